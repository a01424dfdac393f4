"""What the manifest of a batch costs: writing it down, asking it, compacting it; a process a step, so that each one's
memory is its own.

    python benchmarks/batch/manifest.py [--records 1000000] [--folder FOLDER] [-o RESULT.json]

`--folder` is where the manifest is made (about 1 kB a record while logs and tables are both there), on this machine; it
is removed at the end. Rates are records a second of wall time, memory is the highest resident set of the step's
process, and `apart from its imports` is what of it came after the imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from liveseg.batch.manifest import Manifest
from liveseg.batch.manifest.contents import contents
from liveseg.batch.manifest.tables import arrow
from liveseg.batch.places import Place
from liveseg.batch.records import Item, Record
from liveseg.bench.record import surroundings, write_record

WORKERS = 8
BUNDLE = 100
SETTINGS = "5f2c0d3a9b1e4c7788aa00ff12345678"
STEPS = ("append", "index of logs", "compact", "index of tables", "records", "compact again")


def item(n: int) -> Item:
    """The n-th of a collection as they are: some thousand photos a folder."""
    name = f"set-{n // 5000:05}/photo-{n * 7919 % 10_000_019:08}"
    return Item(
        location=f"s3://photos/2026/{name}.jpg", name=name, kind="image", version=f"{n * 2654435761 % 2**32:08x}"
    )


def record(n: int) -> Record:
    """What a worker says of it; one in a thousand failed."""
    one = item(n)
    failed = n % 1000 == 999
    stages = ("fetch", "decode", "preprocess", "network", "postprocess", "encode", "commit", "total")
    return Record(
        identifier=one.identifier,
        location=one.location,
        name=one.name,
        kind=one.kind,
        version=one.version,
        status="failed" if failed else "done",
        error="cannot read photo.jpg: it ends in the middle" if failed else None,
        error_kind="unreadable" if failed else None,
        outputs=() if failed else (f"{one.name}_mask.png",),
        bytes_in=150_000 + n % 50_000,
        bytes_out=4_000 + n % 900,
        frames=1,
        pixels=640 * 480,
        seconds={stage: round((n * (k + 3) % 977) / 50_000, 6) for k, stage in enumerate(stages)},
        areas={"background": 200_000 + n % 7, "person": n % 90_000, "dog": n % 17_000},
        model="lite",
        settings=SETTINGS,
        worker=f"box-{n % WORKERS}",
        finished=1_780_000_000.0 + n / 100,
    )


def step(name: str, folder: Path, records: int) -> dict[str, float]:
    """Do one step; what it found beside its time and memory."""
    place = Place.at(folder)
    manifest = Manifest(place)
    match name:
        case "append":
            return append(manifest, records)
        case "index of logs" | "index of tables":
            return index(manifest, records)
        case "records":
            expect(sum(1 for _ in manifest.records()), records)
        case "compact":
            manifest.compact()
            held = contents(place).tables
            return {"tables": len(held), "bytes a record": sum(table.bytes for table in held) / records}
        case "compact again":
            # A day later: one in a thousand is new, all of them in one folder.
            with manifest.log("second", "w") as log:
                log.append(record(n) for n in range(records, records + records // 1000))
            manifest.compact()
    return {}


def append(manifest: Manifest, records: int) -> dict[str, float]:
    """As eight workers do, in bundles of a hundred."""
    logs = [manifest.log("first", f"box-{n}") for n in range(WORKERS)]
    for number, start in enumerate(range(0, records, BUNDLE)):
        logs[number % WORKERS].append(record(n) for n in range(start, min(start + BUNDLE, records)))
    for log in logs:
        log.close()
    return {"bytes a record": sum(size for _, size in manifest.place.names("_liveseg/logs")) / records}


def index(manifest: Manifest, records: int) -> dict[str, float]:
    """Make it, count, and ask for some of them."""
    found: dict[str, float] = {}
    with manifest.index() as known:
        began = time.perf_counter()
        expect(known.counts().total(), records)
        found["seconds to count"] = time.perf_counter() - began
        every = max(1, records // 20_000) + 1
        asked = [item(n) for n in range(0, records, every)]
        began = time.perf_counter()
        done = sum(known.find(one, SETTINGS).done for one in asked)
        found["asked a second"] = len(asked) / (time.perf_counter() - began)
        expect(done, sum(n % 1000 != 999 for n in range(0, records, every)))
        found["bytes a record"] = known.size / records
    return found


def expect(found: int, expected: int) -> None:
    """A rate of what came out wrong is worth nothing."""
    if found != expected:
        sys.exit(f"{found:,} records where {expected:,} were put in")


def peak() -> int:
    """Bytes, of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.step:
        arrow()
        before, began = peak(), time.perf_counter()
        found = step(told.step, told.folder, told.records)
        seconds = time.perf_counter() - began
        memory = {"peak bytes": peak(), "apart from its imports": peak() - before}
        print(json.dumps({"seconds": seconds, "records a second": told.records / seconds} | memory | found))
        return
    with tempfile.TemporaryDirectory(dir=told.folder, prefix="manifest-") as folder:
        result: dict[str, object] = {
            **surroundings({"pyarrow": arrow().__version__, "sqlite": sqlite3.sqlite_version}),
            "records": told.records,
        }
        for name in STEPS:
            command = [sys.executable, __file__, "--step", name, "--folder", folder, "--records", str(told.records)]
            said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            result[name] = said
            print(f"{name:16}", "  ".join(f"{key} {value:,.4g}" for key, value in said.items()), flush=True)
    if told.output:
        write_record(result, told.output)


if __name__ == "__main__":
    main()
