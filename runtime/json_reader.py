"""Takes typed entries out of parsed JSON; every complaint names the file and the path of the entry."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from runtime.errors import SaymaskError


class JsonReader:
    """An object of parsed JSON at `path` of the file `where`. Every method raises SaymaskError for another type."""

    def __init__(self, value: Any, where: str, path: str = "") -> None:
        self.where, self.path = where, path
        if not isinstance(value, dict):
            self.refuse(f"{path or 'the top'} must be an object in braces")
        self.value: dict[str, Any] = value

    def refuse(self, reason: str) -> NoReturn:
        raise SaymaskError(f"{self.where}: {reason}")

    def entry(self, key: str) -> Any:
        if key not in self.value:
            self.refuse(f"lacks {self.path}{key}")
        return self.value[key]

    def part(self, key: str) -> JsonReader:
        return JsonReader(self.entry(key), self.where, f"{self.path}{key}.")

    def mapping(self, key: str) -> dict[str, Any]:
        return self.part(key).value

    def items(self, key: str) -> list[Any]:
        value = self.entry(key)
        if not isinstance(value, list):
            self._wrong(key, "a list")
        return value

    def text(self, key: str) -> str:
        value = self.entry(key)
        if not isinstance(value, str):
            self._wrong(key, "a string")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.entry(key)
        if type(value) is not int or not low <= value <= high:
            self._wrong(key, f"a whole number {low}..{high}")
        return value

    def size(self, key: str) -> tuple[int, int]:
        value = self.entry(key)
        if not isinstance(value, list) or [type(side) for side in value] != [int, int]:
            self._wrong(key, "[height, width]")
        if not 1 <= min(value) <= max(value) <= 2048:
            self._wrong(key, "[height, width], each 1..2048")
        return value[0], value[1]

    def numbers(self, required: tuple[str, ...]) -> Mapping[str, float]:
        for key in {*required, *self.value}:
            value = self.entry(key)
            if type(value) not in (int, float) or not math.isfinite(value):
                self._wrong(key, "a finite number")
        return {key: float(value) for key, value in self.value.items()}

    def _wrong(self, key: str, expected: str) -> NoReturn:
        self.refuse(f"{self.path}{key} must be {expected}, got {json.dumps(self.value[key])[:80]}")
