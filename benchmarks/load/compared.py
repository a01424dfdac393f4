"""The service against something else, in turn, so that both see the same machine."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peer
from steps import HERE, mean_of, medians
from watch import Server, liveseg

if TYPE_CHECKING:
    from steps import Run

BOTH = (1, 8)
"""Clients with which two servers are compared."""


def batching(run: Run) -> dict[str, Any]:
    """On against off, in turn, with both services running."""
    result: dict[str, Any] = {}
    with (
        Server(liveseg("--batching", "on"), "/readyz", run.folder / "on.log") as on,
        Server(liveseg("--batching", "off"), "/readyz", run.folder / "off.log") as off,
    ):
        for clients in (16, 64):
            rounds: dict[str, list[dict[str, Any]]] = {"on": [], "off": []}
            for _ in range(run.options.rounds):
                for name, server in (("on", on), ("off", off)):
                    rounds[name].append(run.images(server, clients, run.options.step))
            result[str(clients)] = {name: medians(steps) for name, steps in rounds.items()}
        result["batch_size_on"] = mean_of({}, on.metrics(), "liveseg_batch_size")
    return result


def overhead(run: Run) -> dict[str, Any]:
    """The service at saturation against the same functions without HTTP, in turn."""
    alone = {"seconds": run.options.step, "pictures": run.photos, "output": run.options.output}
    with (
        Server(liveseg(), "/readyz", run.folder / "overhead.log") as server,
        subprocess.Popen(
            [sys.executable, str(HERE / "without_http.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other,
    ):
        assert other.stdin is not None and other.stdout is not None  # noqa: S101, PT018 - they are pipes
        run.images(server, 16, 2.0)
        rounds: list[dict[str, Any]] = []
        for _ in range(run.options.rounds):
            other.stdin.write(json.dumps(alone) + "\n")
            other.stdin.flush()
            without = json.loads(other.stdout.readline())
            service = run.images(server, 16, run.options.step)
            rounds.append({"without_http": without, "service": service})
            print(f"  without HTTP: {without['rate']:7.1f}/s", file=sys.stderr)
        other.stdin.close()
        other.wait(timeout=60)
    shares = [1 - one["service"]["rate"] / one["without_http"]["rate"] for one in rounds]
    return {
        "clients": 16,
        "rate": statistics.median(one["service"]["rate"] for one in rounds),
        "rate_without_http": statistics.median(one["without_http"]["rate"] for one in rounds),
        "threads_without_http": rounds[0]["without_http"]["threads"],
        "overhead": round(statistics.median(shares), 4),
        "overhead_rounds": [round(share, 4) for share in shares],
        "cpu_seconds_of_the_clients": [one["service"]["cpu_seconds_of_the_clients"] for one in rounds],
    }


def against_rembg(run: Run, program: str) -> dict[str, Any]:
    """The same network in both, in turn."""
    import liveseg as package

    bundled = next((Path(package.__file__).parent / "weights").rglob("lite.onnx"))
    model = peer.wrap(bundled, run.folder / "peer.onnx")
    # It takes models from its own folder only.
    environment = {"REMBG_HOME": str(run.folder), "BROWSER": "true"}
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=120)
    result: dict[str, Any] = {"version": version.stdout.strip().rpartition(" ")[2]}
    ours = liveseg("--size", str(peer.SIZE))
    with (
        Server(ours, "/readyz", run.folder / "ours.log") as own,
        Server(peer.command(program), "/openapi.json", run.folder / "rembg.log", environment=environment) as other,
    ):
        for kind in ("mask", "cutout"):
            theirs = peer.plan(model, mask=kind == "mask")
            # A form, as rembg takes nothing else.
            mine = {"path": f"/v1/segment?output={kind}", "form": {}, "file_field": "image"}
            # Its first request loads the model.
            run.images(other, 1, 3.0, ours=False, **theirs)
            run.images(own, 1, 1.0, **mine)
            for clients in BOTH:
                rounds: dict[str, list[dict[str, Any]]] = {"liveseg": [], "rembg": []}
                for _ in range(run.options.rounds):
                    rounds["liveseg"].append(run.images(own, clients, run.options.step, **mine))
                    rounds["rembg"].append(run.images(other, clients, run.options.step, ours=False, **theirs))
                result[f"{kind}, {clients}"] = {name: medians(steps) for name, steps in rounds.items()}
        result["rss_mb"] = {name: round(s.now()["rss"] / 1e6) for name, s in (("liveseg", own), ("rembg", other))}
    return result
