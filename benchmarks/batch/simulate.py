"""Predict a batch of ten million images on 1 to 1,000 workers: where it stops scaling, and why.

    python benchmarks/batch/simulate.py [--set get_latency=0.02 …] [-o benchmarks/results/batch_simulation.json]

What one worker and the driver take is read from `benchmarks/results/batch_scaling.json`, what Ray adds from
`batch_ray_overhead.json`. The model is first held against the measurements that it was not made from, those of two
workers; its error is in the record. What cannot be measured on one machine, a store's latency and limits and a
network's, are the fields of `cluster.Cluster`; each has its source there, and `--set NAME=VALUE` changes it.

The cases are the design as it is, the same where the store serves all files as one prefix, as it does with a new
bucket, and the design with one of its decisions taken back: files listed in one stream, handed over and logged one by
one, sent through the driver.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from cluster import Cluster, capacities, limit, seconds_an_image, settled
from costs import ALONE, SINGLY, Costs
from events import Run

from liveseg.bench.record import command_line, surroundings, write_record

RESULTS = Path(__file__).parents[1] / "results"
WORKERS = (1, 3, 10, 30, 100, 200, 300, 500, 700, 1000)
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "design": ("the design", {}),
    "one prefix": ("all files under one prefix of the store", {"partitions": 1}),
    "in turn": ("files fetched, segmented and committed in turn", {"transfers": 0}),
    "one by one": ("files handed over and logged one by one", {"bundle": 1, "log_seconds": 0}),
    "through the driver": ("all bytes through the driver's node", {"through_driver": 1}),
}
"""Each with what it is, and what it changes."""


def check(scaling: dict[str, Any], ray: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The model against what was measured: seconds of whole runs, predicted from those of one worker."""
    found = []
    cores = scaling["machine"]["cores_of_this_process"]
    for way, measured in scaling["ways"].items():
        if measured["threads"] != 1:
            continue  # the model knows workers, not threads
        costs = Costs.measured(scaling)
        # When it starts is no prediction: a machine that gives a process its pages takes what it takes.
        costs = dataclasses.replace(costs, start=measured["start_seconds"])
        cluster = Cluster.this_machine(measured["workers"], cores, measured["bundle"])
        if measured["ray"] and ray is not None:
            cluster = dataclasses.replace(cluster, hand_over=hand_over(ray))
        outcome = Run(scaling["images"], costs, cluster).through()
        real = measured["images_a_second"]
        found.append(
            {
                "way": way,
                "made_from": way in (ALONE, SINGLY),
                "measured_images_a_second": round(real, 2),
                "predicted_images_a_second": round(outcome.steady_rate, 2),
                "error": round(outcome.steady_rate / real - 1, 4),
            }
        )
    return found


def hand_over(ray: dict[str, Any]) -> float:
    """Seconds that Ray adds to a bundle."""
    return float(ray["added_seconds_a_bundle"])


def swept(images: int, costs: Costs, cluster: Cluster, workers: tuple[int, ...]) -> list[dict[str, Any]]:
    """A case on so many workers."""
    rows = []
    for count in workers:
        own = dataclasses.replace(cluster, workers=count)
        outcome = Run(images, costs, own).through()
        told = {name: float(f"{value:.5g}") for name, value in capacities(costs, own).items()}
        rows.append({"workers": count, **outcome.to_json(), "capacities": told})
    return rows


def stops(costs: Costs, cluster: Cluster) -> dict[str, Any]:
    """The number of workers that the first other part keeps up with, and which that is."""
    many = dataclasses.replace(cluster, workers=10**9)
    part = limit(costs, many)
    rate = capacities(costs, many)[part]
    return {"part": part, "images_a_second": float(f"{rate:.4g}"), "workers": int(rate * seconds_an_image(costs, many))}


def assumed(pairs: list[str]) -> Cluster:
    """The assumptions, with those of the command line in their place."""
    kinds = {own.name: type(own.default) for own in dataclasses.fields(Cluster)}
    changed: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in kinds:
            raise SystemExit(f"there is no assumption {name!r}; choose from {', '.join(kinds)}")
        changed[name] = kinds[name](float(value))
    return Cluster(**changed)


def read(path: Path) -> dict[str, Any] | None:
    """A record, where there is one."""
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def main() -> None:
    """Simulate, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an assumption of cluster.py")
    parser.add_argument("--scaling", type=Path, default=RESULTS / "batch_scaling.json")
    parser.add_argument("--ray", type=Path, default=RESULTS / "batch_ray_overhead.json")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    scaling = read(options.scaling)
    if scaling is None:
        raise SystemExit(f"no {options.scaling}: python benchmarks/batch/scaling.py -o {options.scaling}")
    ray = read(options.ray)
    costs, base = Costs.measured(scaling), assumed(options.set)
    if base.bundle == 1:
        base = settled(costs, base)
    if ray is not None and not base.hand_over:
        base = dataclasses.replace(base, hand_over=hand_over(ray))
    checked = check(scaling, ray)
    for row in checked:
        told = f"predicted {row['predicted_images_a_second']:.1f} images a second"
        real = f"measured {row['measured_images_a_second']:.1f}"
        print(f"{row['way']}: {told}, {real} ({100 * row['error']:+.1f} %)", file=sys.stderr)
    cases = {}
    for name, (what, changed) in CASES.items():
        cluster = dataclasses.replace(base, **changed)
        rows = swept(options.images, costs, cluster, tuple(options.workers))
        cases[name] = {"what": what, "changed": changed, "stops": stops(costs, cluster), "workers": rows}
        print(f"{name}: {rows[-1]['rate']:.0f} images a second on {rows[-1]['workers']} workers", file=sys.stderr)
    record = {
        "command": command_line("python benchmarks/batch/simulate.py", sys.argv[1:]),
        **surroundings(),
        "images": options.images,
        "costs": dataclasses.asdict(costs),
        "assumptions": base.sources(),
        "check": checked,
        "cases": cases,
    }
    write_record(record, options.output)


if __name__ == "__main__":
    main()
