"""Messages as rosidl's generated Python has them: keyword constructor, defaults, a type check at every assignment."""

from __future__ import annotations

import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    _Bytes: TypeAlias = array.array[int]
    _Floats: TypeAlias = array.array[float]
else:
    _Bytes = _Floats = array.array  # takes no index before Python 3.12

uint8 = Annotated[int, "uint8"]
uint32 = Annotated[int, "uint32"]
int32 = Annotated[int, "int32"]
int64 = Annotated[int, "int64"]
uint64 = Annotated[int, "uint64"]
float64 = Annotated[float, "float64"]
boolean = Annotated[bool, "bool"]
string = Annotated[str, "string"]
byte = Annotated[bytes, "byte"]
uint8s = Annotated[_Bytes, "uint8[]"]
float64s = Annotated[_Floats, "float64[]"]
float64x9 = Annotated[npt.NDArray[np.float64], "float64[9]"]
float64x12 = Annotated[npt.NDArray[np.float64], "float64[12]"]
float64x36 = Annotated[npt.NDArray[np.float64], "float64[36]"]

_DEFAULTS: dict[str, Any] = {"bool": False, "string": "", "byte": b"\0", "float64": 0.0}
_LIMITS = {"uint8": (0, 2**8), "uint32": (0, 2**32), "int32": (-(2**31), 2**31), "int64": (-(2**63), 2**63)}
_LIMITS["uint64"] = (0, 2**64)


class Message:
    """Fields are the annotations of the class."""

    def __init__(self, **values: Any) -> None:
        hints = _hints(type(self))
        assert values.keys() <= hints.keys(), f"Invalid arguments passed to constructor: {values.keys() - hints.keys()}"
        for name, hint in hints.items():
            setattr(self, name, values[name] if name in values else _default(hint))

    def __setattr__(self, name: str, value: Any) -> None:
        hints = _hints(type(self))
        if name not in hints:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")  # it has __slots__
        object.__setattr__(self, name, _checked(name, hints[name], value))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in _hints(type(self))
        )

    @classmethod
    def fields(cls) -> dict[str, str]:
        """Names and types in the words of a .msg file."""
        return {name: _spelled(hint) for name, hint in _hints(cls).items()}


def _hints(cls: type) -> dict[str, Any]:
    cached = cls.__dict__.get("_cached_hints")
    if cached is None:
        hints = get_type_hints(cls, include_extras=True)
        cached = {name: hint for name, hint in hints.items() if not name.isupper()}
        type.__setattr__(cls, "_cached_hints", cached)
    return dict(cached)


def _spelled(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1])
    if get_origin(hint) is list:
        return f"{_spelled(get_args(hint)[0])}[]"
    return f"{hint.__module__.partition('.')[0]}/msg/{hint.__name__}"


def _default(hint: Any) -> Any:
    spelled = _spelled(hint)
    if spelled in _DEFAULTS:
        return _DEFAULTS[spelled]
    if spelled in _LIMITS:
        return 0
    if spelled == "uint8[]":
        return array.array("B")
    if spelled == "float64[]":
        return array.array("d")
    if spelled.startswith("float64["):
        return np.zeros(int(spelled[8:-1]))
    return [] if get_origin(hint) is list else hint()


def _checked(name: str, hint: Any, value: Any) -> Any:
    """What rosidl's setters assert (rosidl_generator_py, resource/_msg.py.em)."""
    spelled = _spelled(hint)
    refused = f"The {name!r} field must be {spelled}, got {type(value).__name__}"
    if spelled in _LIMITS:
        low, high = _LIMITS[spelled]
        assert isinstance(value, int) and low <= value < high, refused
    elif spelled in _DEFAULTS:
        kinds = {"bool": bool, "string": str, "byte": (bytes, bytearray), "float64": float}
        assert isinstance(value, kinds[spelled]) and (spelled != "byte" or len(value) == 1), refused  # type: ignore[arg-type]
    elif spelled in ("uint8[]", "float64[]"):
        code = "B" if spelled == "uint8[]" else "d"
        if isinstance(value, array.array):
            assert value.typecode == code, refused
        else:
            assert isinstance(value, Sequence) and not isinstance(value, str), refused
            value = array.array(code, value)
    elif spelled.startswith("float64["):
        value = np.asarray(value)
        assert value.dtype == np.float64 and value.size == int(spelled[8:-1]), refused
    elif get_origin(hint) is list:
        item = get_args(hint)[0]
        assert isinstance(value, Sequence) and all(isinstance(entry, item) for entry in value), refused
    else:
        assert isinstance(value, hint), refused
    return value
