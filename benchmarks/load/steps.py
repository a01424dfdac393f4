"""A step of the load: clients in a process of their own, and what they and the server used meanwhile."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pictures
from watch import HOST

if TYPE_CHECKING:
    import argparse

    from watch import Server

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Run:
    """One run: its options, its files, and what failed."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.photos = [str(path) for path in pictures.photos(ROOT / "input", folder)]
        self.frames = [str(path) for path in pictures.frames(ROOT / "input" / "video_1.mp4", folder)]
        self.failed: list[str] = []

    def images(self, server: Server, clients: int, seconds: float, *, ours: bool = True, **more: Any) -> dict[str, Any]:
        """A step of clients that send pictures one after the other; `ours`: what fails fails the run."""
        plan = {"kind": "images", "clients": clients, "seconds": seconds, "pictures": self.photos}
        return self._step(server, plan | {"path": f"/v1/segment?output={self.options.output}"} | more, ours=ours)

    def live(self, server: Server, clients: int, seconds: float) -> dict[str, Any]:
        """A step of live clients."""
        plan = {"kind": "live", "clients": clients, "seconds": seconds, "pictures": self.frames}
        return self._step(server, plan | {"rate": self.options.rate, "options": {"output": "layers"}})

    def start(self, server: Server, plan: dict[str, Any]) -> subprocess.Popen[str]:
        """Clients, as a process of their own."""
        plan = {"host": HOST, "port": server.port, **plan}
        process = subprocess.Popen(
            [sys.executable, str(HERE / "clients.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(json.dumps(plan))
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process: subprocess.Popen[str], name: str, seconds: float, *, ours: bool = True) -> dict[str, Any]:
        """What came of them."""
        try:
            told, _ = process.communicate(timeout=seconds + 200)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if process.returncode:
            raise SystemExit(f"{name}: the clients ended with {process.returncode}")
        result: dict[str, Any] = json.loads(told)
        if ours and (result["errors"] or not result["answers"]):
            self.failed.append(f"{name}: {result['errors'] or 'no answer at all'}")
        return result

    def _step(self, server: Server, plan: dict[str, Any], *, ours: bool = True) -> dict[str, Any]:
        before = server.now()
        name = f"{plan['kind']}, {plan['clients']} clients"
        result = self.finish(self.start(server, plan), name, plan["seconds"], ours=ours)
        after = server.now()
        taken = after["at"] - before["at"]
        result["server"] = {
            "rss_mb": round(after["rss"] / 1e6, 1),
            "threads": after["threads"],
            "files": after["files"],
            "cores": round((after["cpu"] - before["cpu"]) / taken, 2),
        }
        print(f"  {plan['kind']:>6} {plan['clients']:>3}: {result['rate']:7.1f}/s  {result['ms']}", file=sys.stderr)
        return result


def mean_of(before: dict[str, float], after: dict[str, float], name: str, label: str = "") -> float:
    """The mean of what a histogram of the service took in between two readings."""
    where = f"{{{label}}}" if label else ""
    count = after.get(f"{name}_count{where}", 0) - before.get(f"{name}_count{where}", 0)
    total = after.get(f"{name}_sum{where}", 0) - before.get(f"{name}_sum{where}", 0)
    return round(total / count, 6) if count else 0.0


def medians(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Over the rounds of one and the same step."""
    return {
        "rate": statistics.median(step["rate"] for step in steps),
        "rates": [step["rate"] for step in steps],
        "errors": sum(sum(step["errors"].values()) for step in steps),
        "p50": statistics.median(step["ms"]["p50"] or 0 for step in steps),
        "p95": statistics.median(step["ms"]["p95"] or 0 for step in steps),
        "cores": statistics.median(step["server"]["cores"] for step in steps),
    }
