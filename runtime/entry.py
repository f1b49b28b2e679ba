"""The one rule for every command: JSON as the last line of standard output, or one `error:` line and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runtime.errors import SaymaskError, missing_package

OK, NOT_PASSED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes. 130 is the shell's own for Ctrl-C (128 + SIGINT)."""


def command_line(
    run: Callable[[argparse.Namespace], dict[str, Any]],
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
) -> int:
    """Parse `argv` (None: the process's own), call `run`, print its result as ONE line of JSON; returns the exit code.

    0: done. 1: `run` returned `"passed": False`. 2: bad arguments, a SaymaskError or a package that is not installed,
    each told in one line on standard error. 130: interrupted. Any other exception is a bug of ours and keeps its
    traceback. Numpy scalars in the result are written as plain numbers.
    """
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):  # argparse would print its whole usage above the one line that matters
            arguments = parser.parse_args(argv)
    except SystemExit as exit_:
        if not exit_.code:  # --help
            return OK
        reason = told.getvalue().strip().rpartition("\n")[2].partition("error: ")[2]
        return _fail(f"{reason}; see --help", BAD_INPUT)
    try:
        with _log_shown():
            result = run(arguments)
    except SaymaskError as error:
        return _fail(str(error), BAD_INPUT)
    except ImportError as error:
        return _fail(missing_package(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    sys.stdout.write(json.dumps(result, default=_plain) + "\n")
    sys.stdout.flush()
    return NOT_PASSED if result.get("passed") is False else OK


@contextlib.contextmanager
def _log_shown() -> Iterator[None]:
    """What the runtime logs (which backend runs, why an engine is built again) goes to standard error meanwhile."""
    log, handler = logging.getLogger("saymask"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _fail(line: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write("error: " + " ".join(line.split()) + "\n")
    return code


def _plain(value: Any) -> Any:
    """What json cannot write itself: numpy scalars and arrays, paths, everything else by its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
