"""One service under load for minutes: more and more clients, then both kinds together, with its memory all along."""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from steps import mean_of
from watch import Server, liveseg

if TYPE_CHECKING:
    from steps import Run

STEADY = {"clients": 4, "live": 2}
"""Who is there at the same time for the rest of the time."""
MOST_SAMPLES = 240


def under_load(run: Run) -> dict[str, Any]:
    """The steps and the steady rest, in one service."""
    options = run.options
    with Server(liveseg(), "/readyz", run.folder / "service.log") as server:
        idle, began = server.now(), time.monotonic()
        told_before = server.metrics()
        images = [run.images(server, clients, options.step) for clients in options.clients]
        live = [run.live(server, clients, options.step) for clients in options.live]
        rest = max(options.minutes * 60 - (time.monotonic() - began), options.step)
        both = steady(run, server, rest)
        told = server.metrics()
        end = server.now()
    return {
        "start_seconds": server.start_seconds,
        "stop_seconds": server.stop_seconds,
        "exit_code": server.exit_code,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "idle": idle,
        "end": end,
        "images": images,
        "live": live,
        "steady": both,
        "batch_size": mean_of(told_before, told, "liveseg_batch_size"),
        "stages_ms": {
            stage: round(1e3 * mean_of(told_before, told, "liveseg_stage_seconds", stage), 3)
            for stage in ("wait", "decode", "preprocess", "network", "postprocess", "render", "encode")
        },
        "samples": thinned(server.samples),
    }


def steady(run: Run, server: Server, seconds: float) -> dict[str, Any]:
    """Picture clients and live ones together, and how the memory went."""
    print(f"  both for {seconds:.0f} s", file=sys.stderr)
    began = server.now()["at"]
    path = f"/v1/segment?output={run.options.output}"
    plans = {
        "images": {"clients": STEADY["clients"], "pictures": run.photos, "path": path},
        "live": {"clients": STEADY["live"], "pictures": run.frames, "rate": run.options.rate, "options": {}},
    }
    processes = {kind: run.start(server, {"kind": kind, "seconds": seconds, **plan}) for kind, plan in plans.items()}
    results = {kind: run.finish(process, f"steady {kind}", seconds) for kind, process in processes.items()}
    # Caches and pools fill in the first half.
    middle = began + (server.now()["at"] - began) / 2
    return results | {"memory": growth([sample for sample in server.samples if sample["at"] >= middle])}


def growth(samples: list[dict[str, float]]) -> dict[str, float]:
    """How resident memory went: its median in the first and the last tenth, and the line through all of it."""
    if len(samples) < 4:
        return {}
    tenth = max(len(samples) // 10, 2)
    at, rss = [sample["at"] for sample in samples], [sample["rss"] / 1e6 for sample in samples]
    slope = statistics.linear_regression(at, rss).slope
    return {
        "seconds": round(at[-1] - at[0], 1),
        "first_mb": round(statistics.median(rss[:tenth]), 1),
        "last_mb": round(statistics.median(rss[-tenth:]), 1),
        "most_mb": round(max(rss), 1),
        "mb_a_minute": round(slope * 60, 3),
    }


def thinned(samples: list[dict[str, float]]) -> list[dict[str, float]]:
    """At most so many of them, at equal distances."""
    step = -(-len(samples) // MOST_SAMPLES)
    return samples[:: max(step, 1)]
