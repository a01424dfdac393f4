"""What listing costs: seconds and memory over millions of names that a synthetic store pretends to hold.

    python benchmarks/batch/listing.py [--names 10M] [--through folders|s3|list|find] [-o RESULT.json]

Each way runs in a process of its own, so that its memory is its own. `folders` is a file system of fsspec, a thousand
files a folder; `s3` is a server on loopback that answers page by page, in a process of its own; `list` is a file with a
path a line; `find` is not liveseg but `find` of s3fs on the same server, for comparison (it keeps everything, so give
it fewer names: 200k). `rss` is the resident set at ten points on the way, in bytes, `peak` the highest.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthetic_files import SyntheticBucket, count_of, register

from liveseg.batch.listing import items
from liveseg.bench.record import command_line, surroundings, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POINTS = 10


def resident() -> int:
    """Bytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def through_folders(count: int, _: ExitStack) -> Iterator[Any]:
    register()
    return items([f"synthetic://{count}"])


def through_s3(count: int, opened: ExitStack) -> Iterator[Any]:
    return items(["s3://photos/2026/"], options=_bucket(count, opened))


def through_list(count: int, opened: ExitStack) -> Iterator[Any]:
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
    with (folder / "list.txt").open("w", encoding="utf-8") as file:
        file.writelines(f"f{n // 1000:05}/photo-{n:08}.jpg\n" for n in range(count))
    return items([f"@{folder / 'list.txt'}"])


def through_find(count: int, opened: ExitStack) -> Iterator[Any]:
    import fsspec

    return iter(fsspec.filesystem("s3", **_bucket(count, opened)["s3"]).find("photos/2026", detail=True).items())


def _bucket(count: int, opened: ExitStack) -> dict[str, Any]:
    command = [sys.executable, __file__, "--serve", "--names", str(count)]
    server = opened.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    opened.callback(server.stdin.close)
    return json.loads(server.stdout.readline())


WAYS: dict[str, Callable[[int, ExitStack], Iterator[Any]]] = {
    "folders": through_folders,
    "s3": through_s3,
    "list": through_list,
    "find": through_find,
}


def measure(way: str, count: int) -> dict[str, Any]:
    with ExitStack() as opened:
        began = time.perf_counter()
        before = resident()
        rss, seen = [], 0
        step = max(count // POINTS, 1)
        first = None
        for seen, _ in enumerate(WAYS[way](count, opened), 1):
            first = first or time.perf_counter() - began
            if seen % step == 0:
                rss.append(resident())
        seconds = time.perf_counter() - began
    if seen != count:
        raise SystemExit(f"{seen:,} of {count:,} names came")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "names": count, "seconds": round(seconds, 2), "names_a_second": round(count / seconds),
        "seconds_to_the_first": round(first or 0, 3), "rss_before": before, "rss": rss, "peak": peak,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=count_of, default=count_of("10M"))
    parser.add_argument("--through", choices=WAYS, action="append", help="which way; may be given several times")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        with SyntheticBucket(arguments.names) as bucket:
            sys.stdout.write(json.dumps(bucket.options) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        return
    if arguments.one:
        sys.stdout.write(json.dumps(measure(arguments.one, arguments.names)) + "\n")
        return
    ways = {}
    for way in arguments.through or ("folders", "s3", "list"):
        command = [sys.executable, __file__, "--one", way, "--names", str(arguments.names)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        ways[way] = json.loads(done.stdout)
    command = command_line("python benchmarks/batch/listing.py", sys.argv[1:])
    result = {"benchmark": "batch listing", "command": command, **surroundings(), "ways": ways}
    write_record(result)
    if arguments.out:
        write_record(result, arguments.out)


if __name__ == "__main__":
    main()
