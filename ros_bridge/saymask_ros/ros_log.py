"""What the runtime logs, in ROS's log; and which backend was taken, with why not a faster one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from runtime.backends.choice import Choice


class RosLog(logging.Handler):
    """Hands the logger "saymask" on to ROS, from `attach` to `close`. `choice`: what "auto" came to, else None."""

    def __init__(self, logger: Any) -> None:
        """`logger`: rclpy's, or whatever has `info`, `warning` and `error`."""
        super().__init__(logging.INFO)
        self.choice: Choice | None = None
        # rclpy keeps one severity for each line of code that logs, so each has a line of its own.
        self._tell: dict[int, Callable[[str], Any]] = {
            logging.INFO: lambda line: logger.info(line),
            logging.WARNING: lambda line: logger.warning(line),
            logging.ERROR: lambda line: logger.error(line),
        }
        self._logger = logging.getLogger("saymask")

    def attach(self) -> None:
        """Begin; a second call does nothing."""
        self.choice = None
        self._logger.addHandler(self)
        self._logger.setLevel(logging.INFO)

    def close(self) -> None:
        """End; a second call does nothing."""
        self._logger.removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on at the nearest level that ROS has."""
        if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], Choice):
            self.choice = record.args[0]
        level = max(known for known in self._tell if known <= max(record.levelno, logging.INFO))
        self._tell[level](self.format(record))

    @property
    def backend(self) -> str:
        """What runs the model and why, "" where it was named in the parameters."""
        return str(self.choice or "")

    @property
    def fallback(self) -> str:
        """One line where "auto" did not get the fastest backend, else ""."""
        return f"the backend fell back: {self.choice}" if self.choice and self.choice.refused else ""
