"""The tables of a record of `benchmarks/load`, as Markdown; written between the marks of a page, where one is named.

python benchmarks/load/table.py RESULT.json [PAGE.md]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from marked_block import show

BEGIN, END = "<!-- load: made by benchmarks/load/table.py -->", "<!-- load: end -->"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Rows of a table."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _ms(step: dict[str, Any]) -> list[str]:
    return [f"{step['ms'][name]:.0f}" if step["ms"][name] is not None else "" for name in ("p50", "p95", "p99")]


def _errors(step: dict[str, Any]) -> int:
    return sum(step["errors"].values())


def _load(load: dict[str, Any], rate: float) -> list[str]:
    images = [
        [step["clients"], f"{step['rate']:.1f}", *_ms(step), _errors(step), f"{step['server']['rss_mb']:.0f}"]
        for step in load["images"]
    ]
    live = [
        [
            step["clients"],
            f"{step['rate'] / step['clients']:.1f}",
            *_ms(step),
            f"{100 * step.get('dropped', 0) / max(step.get('sent', 1), 1):.0f} %",
            _errors(step),
            f"{step['server']['rss_mb']:.0f}",
        ]
        for step in load["live"]
    ]
    return [
        table(["Clients", "Pictures a second", "p50 ms", "p95 ms", "p99 ms", "Errors", "Memory, MB"], images),
        (
            f"Live clients, each with a camera of {rate:g} frames a second; ms are the age of an answer, measured by"
            " the client:"
        ),
        table(
            [
                "Live clients",
                "Answers a second, each",
                "p50 ms",
                "p95 ms",
                "p99 ms",
                "Left out",
                "Errors",
                "Memory, MB",
            ],
            live,
        ),
        _steady(load["steady"]),
    ]


def _steady(steady: dict[str, Any]) -> str:
    seconds = steady["images"]["seconds"]
    said = (
        f"After these steps {steady['images']['clients']} picture clients and {steady['live']['clients']} live ones"
        f" together for {seconds / 60:.1f} minutes."
    )
    if memory := steady["memory"]:
        said += (
            f" In the second half of them resident memory went from {memory['first_mb']:.0f} to"
            f" {memory['last_mb']:.0f} MB ({memory['mb_a_minute']:+.2f} MB a minute)."
        )
    return f"{said} Errors: {_errors(steady['images']) + _errors(steady['live'])}."


def _batching(batching: dict[str, Any]) -> str:
    rows = [
        [clients, *(f"{batching[clients][name]['rate']:.1f}" for name in ("on", "off")),
         *(f"{batching[clients][name]['p95']:.0f}" for name in ("on", "off"))]
        for clients in batching
        if clients.isdigit()
    ]  # fmt: skip
    return table(["Clients", "Batching on, a second", "off, a second", "on, p95 ms", "off, p95 ms"], rows)


def _overhead(overhead: dict[str, Any]) -> str:
    return (
        f"At saturation ({overhead['clients']} clients) the service answers {overhead['rate']:.1f} pictures a second;"
        f" the same decoding, inference and encoding without HTTP, by {overhead['threads_without_http']} threads in a"
        f" loop, does {overhead['rate_without_http']:.1f}: an overhead of {100 * overhead['overhead']:.1f} %."
    )


def _rembg(rembg: dict[str, Any]) -> list[str]:
    rows = []
    for name, both in rembg.items():
        if isinstance(both, dict) and "liveseg" in both and isinstance(both["liveseg"], dict):
            kind, _, clients = name.partition(", ")
            own, other = both["liveseg"], both["rembg"]
            rows.append(
                [
                    kind,
                    clients,
                    f"{own['rate']:.1f}",
                    f"{other['rate']:.1f}",
                    f"{own['p95']:.0f}",
                    f"{other['p95']:.0f}",
                ]
            )
    head = ["Answer", "Clients", "liveseg, a second", "rembg, a second", "liveseg, p95 ms", "rembg, p95 ms"]
    memory = rembg["rss_mb"]
    return [
        (
            f"Against the server of rembg {rembg['version']}, with the same network, `lite`, in turn; memory"
            f" afterwards: {memory['liveseg']} MB and {memory['rembg']} MB."
        ),
        table(head, rows),
    ]


def tables(record: dict[str, Any]) -> str:
    """All tables of a record."""
    machine = record["machine"]
    parts = [
        (
            f"{machine['processor']}, {machine['cores_of_this_process']} cores, which the clients use, too;"
            f" {record['picture']} in, `{record['output']}` out: `{record['command']}`."
        )
    ]
    if "load" in record:
        parts += _load(record["load"], record["live_rate"])
    if "batching" in record:
        parts.append(_batching(record["batching"]))
    if "overhead" in record:
        parts.append(_overhead(record["overhead"]))
    if "rembg" in record:
        parts += _rembg(record["rembg"])
    return "\n\n".join(parts)


def main() -> None:
    """Print them, or put them into a page."""
    show(tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), BEGIN, END, sys.argv[2:])


if __name__ == "__main__":
    main()
