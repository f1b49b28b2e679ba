"""`saymask NAME ...`: runs the entry that the installed package lists under that name, and loads no other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

from runtime.entry import BAD_INPUT
from runtime.errors import missing_package


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand in `argv` (None: the process's own); returns its exit code, 2 where there is none."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands = {entry.name: entry for entry in entry_points(group="saymask.commands")}
    names = ", ".join(sorted(commands)) or "none; install it with: pip install -e ."
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print(f"usage: saymask NAME [OPTIONS]\n\n`saymask NAME --help` shows the options. Names: {names}")
        return 0 if arguments else BAD_INPUT
    if arguments[0] not in commands:
        print(f"error: there is no command {arguments[0]!r}; choose one of: {names}", file=sys.stderr)
        return BAD_INPUT
    try:
        run = commands[arguments[0]].load()
    except ImportError as error:
        print(f"error: {missing_package(error)}", file=sys.stderr)
        return BAD_INPUT
    sys.argv[0] = f"saymask {arguments[0]}"  # what argparse calls the program in its usage line
    return int(run(arguments[1:]))


if __name__ == "__main__":
    raise SystemExit(main())
