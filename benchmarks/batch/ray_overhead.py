"""What Ray adds to an item over the local pool, where an item takes a tenth of a second.

    python benchmarks/batch/ray_overhead.py [--items 200] [--rounds 3] [--bundles 1,10]

Both run the same stand-in for a model, which sleeps for most of an item's time and computes for the rest, in the same
kind of worker process, with the same logs. Ray runs on a cluster of this machine. All combinations take turns within
each round, so that what else goes on here meets them alike. Time is that of a whole run, from the
driver's first bundle to its last record, on workers that were started before: starting is not an item's cost, and is
stated beside. `busy` is the same by the workers' own clocks, from their first record to their last, which leaves out
the beginning and the end of a run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from liveseg.batch.identity import settings_hash
from liveseg.batch.pool import LocalPool
from liveseg.batch.ray_pool import RayPool
from liveseg.batch.records import Item, Record, Task
from liveseg.bench.record import command_line, surroundings, write_record
from liveseg.settings import BatchSettings

COMPUTED = 0.01
"""Seconds of an item that are computed."""


class StandIn:
    """A replica that takes its time and writes nothing."""

    def __init__(self, settings, *, worker, seconds):
        self.worker = worker
        self.seconds = seconds
        self.hash = settings_hash(settings)

    def run(self, tasks, done=None):
        records = []
        for task in tasks:
            began = time.perf_counter()
            while time.perf_counter() - began < COMPUTED:
                hashlib.sha256(bytes(100_000)).digest()
            time.sleep(max(0.0, self.seconds - (time.perf_counter() - began)))
            spent = time.perf_counter() - began
            item = task.item
            record = Record(
                identifier=item.identifier, location=item.location, name=item.name, kind=item.kind, status="done",
                attempts=task.attempt, seconds={"total": spent}, settings=self.hash, worker=self.worker,
                finished=time.time(),
            )  # fmt: skip
            records.append(record)
            if done is not None:
                done(record)
        return records

    def close(self):
        pass


def bundles(items: int, size: int):
    for first in range(0, items, size):
        names = (f"f{number:06}" for number in range(first, min(first + size, items)))
        yield tuple(Task(Item(location=f"/data/{name}.jpg", name=name, kind="image")) for name in names)


def measure(kind: str, workers: int, items: int, size: int, seconds: float) -> dict[str, float]:
    """One run: seconds an item and worker, by the driver, by the workers and of the item itself; and to start them."""
    # Found again by its name in the processes that Ray starts, where this program is not the main one.
    from ray_overhead import StandIn as Importable

    make = partial(Importable, seconds=seconds)
    with tempfile.TemporaryDirectory() as out:
        own = {"ray": "local", "min_workers": workers, "max_workers": workers} if kind == "ray" else {}
        settings = BatchSettings(out=out, **own)
        began = time.time()
        if kind == "ray":
            pool = RayPool(settings, "bench", make_replica=make)
        else:
            pool = LocalPool(settings, "bench", workers, make_replica=make)
        with pool:
            # All workers have to be there before time counts; whoever is first may take several of these.
            seen: set[str] = set()
            while len(seen) < workers:
                seen |= {record.worker for record in pool.run(bundles(2 * workers, 1))}
            started = time.time()
            records = list(pool.run(bundles(items, size)))
            ended = time.time()
    by_worker: dict[str, list[float]] = {}
    for record in records:
        by_worker.setdefault(record.worker, []).append(record.finished)
    spans = [(max(mine) - min(mine), len(mine) - 1) for mine in by_worker.values()]
    return {
        "item_seconds": (ended - started) * workers / items,
        "busy_item_seconds": sum(span for span, _ in spans) / sum(count for _, count in spans),
        "work_seconds": statistics.fmean(record.seconds["total"] for record in records),
        "start_seconds": started - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200, help="a worker; default 200")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="that an item takes; default 0.1")
    parser.add_argument("--bundles", default="1,10", help="sizes of bundles; default 1,10")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/batch_ray_overhead.json"))
    options = parser.parse_args()
    here = str(Path(__file__).parent.resolve())
    sys.path.insert(0, here)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))

    sizes = [int(size) for size in options.bundles.split(",")]
    counts = [int(count) for count in options.workers.split(",")]
    combinations = [(kind, count, size) for count in counts for size in sizes for kind in ("local", "ray")]
    runs: dict[tuple[str, int, int], list[dict[str, float]]] = {one: [] for one in combinations}
    for number in range(options.rounds):
        for kind, count, size in combinations if number % 2 == 0 else reversed(combinations):
            run = measure(kind, count, options.items * count, size, options.seconds)
            runs[kind, count, size].append(run)
            print(
                f"round {number + 1}: {kind}, {count} workers, bundles of {size}: {run['item_seconds']:.5f} s an item"
            )

    def median(key: tuple[str, int, int], what: str) -> float:
        return statistics.median(run[what] for run in runs[key])

    rows = []
    for count in counts:
        for size in sizes:
            local, ray = ("local", count, size), ("ray", count, size)
            added = median(ray, "item_seconds") - median(local, "item_seconds")
            rows.append(
                {
                    "workers": count,
                    "bundle": size,
                    "local_item_seconds": round(median(local, "item_seconds"), 6),
                    "ray_item_seconds": round(median(ray, "item_seconds"), 6),
                    "ray_over_local": round(added / median(local, "item_seconds"), 4),
                    "local_busy_item_seconds": round(median(local, "busy_item_seconds"), 6),
                    "ray_busy_item_seconds": round(median(ray, "busy_item_seconds"), 6),
                    "added_seconds_a_bundle": round(added * size, 6),
                    "local_start_seconds": round(median(local, "start_seconds"), 3),
                    "ray_start_seconds": round(median(ray, "start_seconds"), 3),
                    "local_runs": [round(run["item_seconds"], 6) for run in runs[local]],
                    "ray_runs": [round(run["item_seconds"], 6) for run in runs[ray]],
                }
            )
    import ray as engine

    result = {
        "what": "seconds an item and worker, medians of rounds; `ray_over_local` is the part that Ray adds",
        "command": command_line("python benchmarks/batch/ray_overhead.py", sys.argv[1:]),
        "item_seconds": options.seconds,
        "items_a_worker": options.items,
        "rounds": options.rounds,
        "rows": rows,
        # Of single items, where it can be seen best; never below nothing, which is noise.
        "added_seconds_a_bundle": round(
            max(0.0, statistics.median(row["added_seconds_a_bundle"] for row in rows if row["bundle"] == min(sizes))), 6
        ),
        **surroundings({"ray": engine.__version__}),
    }
    write_record(result, options.output)
    for row in rows:
        print(
            f"{row['workers']} workers, bundles of {row['bundle']}: local {row['local_item_seconds']:.5f} s, "
            f"Ray {row['ray_item_seconds']:.5f} s an item: {row['ray_over_local']:+.1%}"
        )
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
