"""Reads pickles that hold plain containers only. A pickle is a program; this one may call nothing at all."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NoReturn

from runtime.errors import SaymaskError

MOST_BYTES = 512 * 2**20
"""Far more than the largest of the published files."""


class _PlainUnpickler(pickle.Unpickler):
    """Dictionaries, lists, tuples, sets, text, bytes and numbers come without a name to look up; all else has one."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise SaymaskError(f"it asks for {module}.{name}, and only plain lists, dictionaries and texts are read")

    def persistent_load(self, pid: object) -> NoReturn:
        raise SaymaskError("it asks for an object outside itself, and only plain lists and dictionaries are read")


def load_plain_pickle(path: Path) -> Any:
    """What the pickle `path` holds; Python 2's texts are read as UTF-8.

    Raises SaymaskError, naming the file, where it is missing, larger than 512 MiB, damaged, or asks for anything but
    plain containers (nothing of it is run then).
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SaymaskError(f"it has {size} bytes, at most {MOST_BYTES} are read")
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="utf-8").load()
    except OSError as error:
        raise SaymaskError(f"{path}: cannot be read: {error.strerror}") from error
    except SaymaskError as error:
        raise SaymaskError(f"{path}: not a pickle of plain data: {error}") from error
    except Exception as error:  # whatever damaged bytes make of the pickle machine
        raise SaymaskError(f"{path}: not a readable pickle ({type(error).__name__}: {error})") from error
