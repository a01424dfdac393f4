"""The `liveseg` command. `--version` answers before anything heavy is imported."""

from __future__ import annotations

import io
import sys

from liveseg._version import __version__


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 failed, 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal's encoding lacks must not fail what is otherwise done.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"liveseg {__version__}\n")
        return
    try:
        from liveseg.cli.app import run_app

        code = run_app()
    except KeyboardInterrupt:
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
