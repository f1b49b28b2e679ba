"""The file that keeps an engine: one line of JSON says what it is, the plan follows. Anything doubtful is refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, BinaryIO

from runtime.errors import SaymaskError

MAGIC = "saymask-engine"
FORMAT_VERSION = 1
_MAX_HEADER_BYTES = 64 << 10
_MAX_CONTENT_BYTES = 4 << 30


class EngineRefused(SaymaskError):
    """A plan that must not run; the message says why. What was kept is then built again, a fresh one is an error."""


@dataclass(frozen=True)
class EngineKey:
    """All that a plan depends on: where one of these differs, TensorRT would refuse the plan or run it wrongly."""

    graph_sha256: str
    flavour: str  # "tensorrt" or "tensorrt-rtx"
    version: str
    gpu: str
    compute_capability: str
    driver: str
    precision: str
    profiles: str
    flags: str

    def digest(self) -> str:
        """SHA-256 of all fields, in hexadecimal: the name of the engine's file."""
        return digest_of(asdict(self))


@dataclass(frozen=True)
class Kept:
    """What a file holds, its hash already compared."""

    identity: Mapping[str, Any]
    content: bytes
    sha256: str

    def key(self) -> EngineKey:
        """The identity as a key. Raises EngineRefused where it is not one."""
        names = {field.name for field in fields(EngineKey)}
        if set(self.identity) != names or not all(isinstance(value, str) for value in self.identity.values()):
            raise EngineRefused("its key is not one of this saymask")
        return EngineKey(**self.identity)


def digest_of(identity: Mapping[str, str]) -> str:
    """SHA-256 of the entries, whatever their order."""
    return hashlib.sha256(_json(identity)).hexdigest()


def header_of(identity: Mapping[str, str], content: bytes) -> bytes:
    """The line before `content`. Raises EngineRefused where `read_file` would not read it back."""
    header = {
        "magic": MAGIC,
        "format": FORMAT_VERSION,
        "key": dict(identity),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    line = _json(header) + b"\n"
    if len(line) > _MAX_HEADER_BYTES or len(content) > _MAX_CONTENT_BYTES:
        limits = f"{_MAX_HEADER_BYTES >> 10} KiB of key, {_MAX_CONTENT_BYTES >> 30} GiB of plan"
        raise EngineRefused(f"it is larger than what is ever read back ({limits})")
    return line


def read_file(stream: BinaryIO) -> Kept:
    """Everything in a file that `header_of` began, compared with its header before more is read than it promises.

    Raises EngineRefused where it is truncated, damaged, too large or something else altogether.
    """
    try:
        header = _header(stream.readline(_MAX_HEADER_BYTES))
        size, following = header["bytes"], os.fstat(stream.fileno()).st_size - stream.tell()
        if following != size:
            kind = "truncated" if following < size else "damaged"
            raise EngineRefused(f"it is {kind}: {following} bytes follow its header, which promises {size}")
        content = stream.read(size)
    except OSError as error:
        raise EngineRefused(f"it cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != header["sha256"]:
        raise EngineRefused(f"it is damaged: SHA-256 {sha256[:12]}..., its header says {header['sha256'][:12]}...")
    return Kept(header["key"], content, sha256)


def check_identity(kept: Kept, expected: Mapping[str, str]) -> None:
    """Raise EngineRefused, naming the first difference, where a file holds something made for other circumstances."""
    for name in sorted({*expected, *kept.identity}):
        actual, wanted = kept.identity.get(name), expected.get(name)
        if actual != wanted:
            raise EngineRefused(f"it was made for another {name}: {str(actual)[:80]!r}, wanted {str(wanted)[:80]!r}")


def _header(line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise EngineRefused("it is truncated or no engine: its first line has no end")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("magic") != MAGIC:
        raise EngineRefused("it is no engine of saymask")
    if header.get("format") != FORMAT_VERSION:
        raise EngineRefused(f"its format is {str(header.get('format'))[:20]}, this saymask reads {FORMAT_VERSION}")
    size, sha256 = header.get("bytes"), header.get("sha256")
    sized = type(size) is int and 0 <= size <= _MAX_CONTENT_BYTES
    if not sized or not isinstance(sha256, str) or not isinstance(header.get("key"), dict):
        raise EngineRefused("its header is damaged")
    return header


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
