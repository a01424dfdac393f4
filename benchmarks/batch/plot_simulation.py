"""Draw a record of `simulate.py`: images a second against workers, and what the design takes away that would stop it.

python benchmarks/batch/plot_simulation.py RESULT.json PICTURE.svg [PICTURE.png …]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from liveseg.evaluate.plot import check_plot
from liveseg.files import atomic_write

LOOKS = {
    "design": ("tab:blue", "o", "-"),
    "one prefix": ("tab:orange", "s", "-"),
    "in turn": ("tab:green", "^", "-"),
    "one by one": ("tab:red", "D", "-"),
    "through the driver": ("tab:purple", "v", "-"),
}


def draw(record: dict[str, Any], path: Path) -> None:
    """Both axes logarithmic; below, the share of time that the design's parts are at work."""
    check_plot(path)
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(9, 8), dpi=120, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    design = record["cases"]["design"]["workers"]
    counts = [row["workers"] for row in design]
    ideal = [count * design[0]["steady_rate"] / design[0]["workers"] for count in counts]
    upper.plot(counts, ideal, color="gray", ls=":", lw=1.2, label="workers that wait for nobody")
    for name, case in record["cases"].items():
        color, marker, line = LOOKS[name]
        rates = [row["rate"] for row in case["workers"]]
        own = {"lw": 2.5, "zorder": 1.9} if name == "design" else {"lw": 1.2, "zorder": 2.1}
        upper.plot(counts, rates, color=color, marker=marker, ms=4, ls=line, label=case["what"], **own)
    measured = [row for row in record["check"] if row["way"].startswith("local")]
    for axes in (upper, lower):
        axes.set_xscale("log")
        axes.grid(alpha=0.3)
    upper.set_yscale("log")
    upper.set_ylabel("images a second, start and end included")
    upper.legend(loc="upper left", fontsize=8)
    for name in ("workers", "driver", "listing", "writes", "reads", "store", "network"):
        busy = [100 * row["busy"][name] for row in design]
        lower.plot(counts, busy, marker=".", lw=1.2, label=name, ls="-" if max(busy) > 10 else "--")
    lower.set_ylabel("per cent of the time at work")
    lower.set_xlabel("workers")
    lower.set_ylim(0, 105)
    lower.legend(loc="center left", fontsize=8, ncols=2, title="the design", title_fontsize=8)
    lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    worst = max(abs(row["error"]) for row in measured)
    upper.set_title(
        f"{record['images']:,} images, simulated from what one worker and the driver took"
        f" on {record['machine']['processor']}\nerror against measured local runs: {100 * worst:.1f} % at most",
        fontsize=9,
    )
    with atomic_write(path, overwrite=True) as partial:
        # Without a date and with fixed identifiers: the same record gives the same file.
        figure.savefig(
            partial, format=path.suffix[1:].lower(), metadata={"Date": None} if path.suffix == ".svg" else None
        )


def main() -> None:
    """Draw it into each file that is named."""
    import matplotlib as mpl

    mpl.rcParams["svg.hashsalt"] = "liveseg"
    record = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name in sys.argv[2:]:
        draw(record, Path(name))


if __name__ == "__main__":
    main()
