"""The `liveseg` command. `--version` answers before anything heavy is imported."""

from __future__ import annotations

import sys

from liveseg._version import __version__


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 failed, 2 wrong usage."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"liveseg {__version__}\n")
        return
    from liveseg.cli.app import run_app

    sys.exit(run_app())


if __name__ == "__main__":
    main()
