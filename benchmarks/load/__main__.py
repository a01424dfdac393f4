"""How much `liveseg serve` bears on this machine, and what it costs over the same work without HTTP.

    python benchmarks/load [--minutes 10] [--step 15] [--rounds 3] [--rembg PROGRAM] [-o RESULT.json]
    python benchmarks/load --quick

Everything runs on 127.0.0.1 and ends by itself; clients are processes of their own. In this order: pictures with 1 to
64 clients, live pictures with 1 to 8, then both together until the service has run under load for `--minutes`, its
memory noted all along; batching on against off, in turn; the service against the same functions without HTTP, in turn;
with `--rembg` (the program of an environment of its own) rembg's server against it with the same network, in turn. It
prints a table and writes one JSON record. It fails where a request failed, not where one was slow.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pictures
from compared import against_rembg, batching, overhead
from endurance import under_load
from steps import Run
from table import tables

from liveseg.bench.record import command_line, surroundings, write_record


def numbers(text: str) -> list[int]:
    """`1,2,4`."""
    return [int(word) for word in text.split(",") if word]


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of one service under load")
    parser.add_argument("--step", type=float, default=15.0, help="seconds of each step")
    parser.add_argument("--rounds", type=int, default=3, help="of what is compared in turn")
    parser.add_argument("--clients", type=numbers, default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--live", type=numbers, default=[1, 2, 4, 8])
    parser.add_argument("--rate", type=float, default=15.0, help="frames a second of each live client's camera")
    parser.add_argument("--output", default="overlay", help="what is asked for: overlay, areas, layers, …")
    parser.add_argument("--only", help="of load, batching, overhead, rembg; with commas between")
    parser.add_argument("--rembg", metavar="PROGRAM", help="rembg's program, to compare with its server")
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    parser.add_argument("-o", "--result", type=Path, help="where the record goes, instead of standard output")
    options = parser.parse_args()
    if options.quick:
        options.minutes, options.step, options.rounds = 0.2, 2.0, 1
        options.clients, options.live = [1, 8], [1, 2]
    if not 0 < options.minutes <= 60 or not 0 < options.step <= 600 or not 1 <= options.rounds <= 20:
        parser.error("at most 60 minutes, 600 seconds a step, and 20 rounds")
    return options


def main() -> None:
    """Measure, print the tables, write the record."""
    options = parsed()
    # So that the servers and the clients end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = options.only.split(",") if options.only else ["load", "batching", "overhead", "rembg"]
    record: dict[str, Any] = {
        "command": command_line("python benchmarks/load", sys.argv[1:]),
        **surroundings(),
        "picture": f"{pictures.WIDTH}x{pictures.HEIGHT} JPEG",
        "output": options.output,
        "seconds_a_step": options.step,
        "live_rate": options.rate,
    }
    with tempfile.TemporaryDirectory(prefix="liveseg-load-") as name:
        run = Run(options, Path(name))
        parts = {
            "load": lambda: under_load(run),
            "batching": lambda: batching(run),
            "overhead": lambda: overhead(run),
            "rembg": lambda: against_rembg(run, options.rembg),
        }
        for part, measure in parts.items():
            if part in chosen and (part != "rembg" or options.rembg):
                print(f"{part}:", file=sys.stderr)
                record[part] = measure()
    record["failed"] = run.failed
    write_record(record, options.result)
    print(tables(record), file=sys.stderr)
    if run.failed:
        raise SystemExit("requests failed: " + "; ".join(run.failed))


if __name__ == "__main__":
    main()
