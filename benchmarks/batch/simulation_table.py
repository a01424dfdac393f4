"""The figures of `scaling.py` and `simulate.py` as Markdown; written between the marks of a page, where one is named.

python benchmarks/batch/simulation_table.py [PAGE.md]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from marked_block import show

RESULTS = Path(__file__).parents[1] / "results"
BEGIN, END = "<!-- scaling: made by benchmarks/batch/simulation_table.py -->", "<!-- scaling: end -->"
PRICE = 0.045
"""Of a worker an hour, in the currency of your provider; roughly that of a rented core. An assumption, to show sums."""

SHOWN = (1, 10, 100, 300, 1000)
PARTS = {
    "workers": "the workers",
    "listing": "the listing",
    "driver": "the driver",
    "reads": "reads a second of the store",
    "writes": "writes a second of the store",
    "store": "the store's bandwidth",
    "network": "the nodes' network",
}


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Rows of a table."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} d"


def measured(record: dict[str, Any]) -> list[str]:
    """What was measured on one machine."""
    machine = record["machine"]
    stages = ("fetch", "decode", "preprocess", "network", "postprocess", "render", "encode", "commit")
    rows = [
        [way, f"{own['images_a_second']:.1f}", *(f"{own['stage_ms'].get(name, 0):.1f}" for name in stages)]
        for way, own in record["ways"].items()
    ]
    return [
        (
            f"{machine['processor']}, {machine['cores_of_this_process']} cores; {record['images']} images of"
            f" {record['picture']}, `--save {record['save']}`, from folder to folder, medians of {record['rounds']}"
            " rounds in turn. A stage's time is that of one worker, ms an image:"
        ),
        table(["", "images a second", *stages], rows),
        (
            f"The driver takes {record['driver']['item_us']:.0f} µs an image until it is in a bundle and"
            f" {record['driver']['record_us']:.0f} µs for its record: one driver keeps up with"
            f" {1e6 / (record['driver']['item_us'] + record['driver']['record_us']):,.0f} images a second."
        ),
    ]


def simulated(record: dict[str, Any], price: float = PRICE) -> list[str]:
    """What was predicted from that."""
    design = record["cases"]["design"]
    rows = []
    for own in design["workers"]:
        if own["workers"] in SHOWN:
            hours = own["seconds"] / 3600 * own["workers"]
            busiest = max((name for name in own["busy"] if name != "workers"), key=lambda name: own["busy"][name])
            rows.append(
                [
                    f"{own['workers']:,}",
                    f"{own['rate']:,.1f}" if own["rate"] < 100 else f"{own['rate']:,.0f}",
                    duration(own["seconds"]),
                    f"{100 * own['efficiency']:.0f} %",
                    f"{PARTS[busiest]}, {100 * own['busy'][busiest]:.0f} %",
                    f"{hours * price:,.0f}",
                ]
            )
    stops = [
        [
            case["what"],
            PARTS[case["stops"]["part"]],
            f"{case['stops']['images_a_second']:,.0f}",
            f"{case['stops']['workers']:,}",
        ]
        for case in record["cases"].values()
    ]
    errors = "; ".join(
        f"{row['way']}: {row['predicted_images_a_second']:.1f} predicted,"
        f" {row['measured_images_a_second']:.1f} measured ({100 * row['error']:+.1f} %)"
        for row in record["check"]
        if not row["made_from"]
    )
    return [
        f"Predicted for {record['images']:,} images, at {price:g} an hour and worker:",
        table(["Workers", "images a second", "time", "of the ideal", "busiest other part", "price"], rows),
        "Where more workers stop helping:",
        table(["", "limit", "images a second", "workers"], stops),
        f"The model against measurements that it was not made from, in images a second: {errors}.",
    ]


def block(scaling: dict[str, Any], simulation: dict[str, Any]) -> str:
    """All of it."""
    return "\n\n".join([*measured(scaling), *simulated(simulation)])


def records() -> tuple[dict[str, Any], dict[str, Any]]:
    """Those that are committed."""
    scaling, simulation = (
        json.loads((RESULTS / f"batch_{name}.json").read_text(encoding="utf-8")) for name in ("scaling", "simulation")
    )
    return scaling, simulation


def main() -> None:
    """Print it, or put it into a page."""
    show(block(*records()), BEGIN, END, sys.argv[1:])


if __name__ == "__main__":
    main()
