"""The clients: a process of its own that makes load for a stated time, tells what came of it, and ends.

    python benchmarks/load/clients.py < plan.json > result.json

The plan says `kind` (`images` or `live`), `host`, `port`, `clients`, `seconds`, `pictures` (files); for images `path`,
`form` (fields of a form, or null for the raw body) and `file_field`; for live pictures `rate` (frames a second that
each camera gives) and `options` (the first message). It ends by itself, whatever the service does.
"""

from __future__ import annotations

import asyncio
import json
import math
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from http1 import Connection, multipart, refuse_others, request

MOST_CLIENTS = 256
MOST_SECONDS = 3600.0
PATIENCE = 60.0
"""Seconds for one answer; one that takes longer is an error."""


class Taken:
    """Times of answers in seconds, and what went wrong, by kind."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.errors: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seconds = 0.0

    def told(self) -> dict[str, Any]:
        """A summary: the rate, percentiles in milliseconds, and errors."""
        times = sorted(self.times)
        return {
            "answers": len(times),
            "rate": round(len(times) / self.seconds, 2),
            "ms": {name: _percentile(times, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
            | {"max": round(times[-1] * 1e3, 1) if times else None},
            "errors": dict(self.errors),
            **self.counts,
        }


def _percentile(times: list[float], share: float) -> float | None:
    """By nearest rank, so that it is a time that was measured."""
    return round(times[math.ceil(share * len(times)) - 1] * 1e3, 1) if times else None


async def images(plan: dict[str, Any], taken: Taken) -> None:
    """Each client asks, waits for the answer, and asks again: as many requests are open as there are clients."""
    host, port = plan["host"], plan["port"]
    messages = []
    for name in plan["pictures"]:
        body, kind = Path(name).read_bytes(), "image/jpeg"
        if plan.get("form") is not None:
            body, kind = multipart(plan["file_field"], body, plan["form"])
        messages.append(request(plan["path"], body, kind, host=f"{host}:{port}"))
    until = time.perf_counter() + plan["seconds"]

    async def client(number: int) -> None:
        connection = Connection(host, port)
        turn = number
        while (began := time.perf_counter()) < until:
            turn += 1
            try:
                async with asyncio.timeout(PATIENCE):
                    status, body = await connection.ask(messages[turn % len(messages)])
            except (OSError, EOFError, TimeoutError) as error:
                connection.close()
                taken.errors[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            if status != 200 or not body:
                taken.errors[f"status {status}"] += 1
                # Nobody hammers a service that refuses.
                await asyncio.sleep(0.1)
            else:
                taken.times.append(time.perf_counter() - began)
                taken.counts["bytes"] += len(body)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(plan["clients"])))
    # What was on its way at the end was waited for, and counts: a slow server has many answers on their way.
    taken.seconds = time.perf_counter() - began


async def live(plan: dict[str, Any], taken: Taken) -> None:
    """Each client sends frames at its camera's pace, whether answers come or not, and takes each answer's age."""
    frames = [Path(name).read_bytes() for name in plan["pictures"]]
    await asyncio.gather(*(_live_client(plan, taken, frames, number) for number in range(plan["clients"])))
    taken.seconds = plan["seconds"]


async def _live_client(plan: dict[str, Any], taken: Taken, frames: list[bytes], number: int) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    from liveseg.wire import HEADER, Frame

    address = f"ws://{plan['host']}:{plan['port']}/v1/live"
    try:
        async with connect(address, max_size=1 << 24, compression=None, proxy=None, open_timeout=PATIENCE) as socket:
            await socket.send(json.dumps(plan["options"]))
            ready = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
            if ready.get("type") != "ready":
                taken.errors[f"{ready.get('type')} {ready.get('status', '')}".strip()] += 1
                return
            until = time.perf_counter() + plan["seconds"]

            async def camera() -> None:
                step = 1 / plan["rate"]
                # Cameras are not in step with each other.
                due = time.perf_counter() + step * number / plan["clients"]
                sequence = 0
                while (now := time.perf_counter()) < until:
                    if now < due:
                        await asyncio.sleep(due - now)
                    due = max(due + step, time.perf_counter() - step)
                    frame = Frame(frames[(sequence + number) % len(frames)], sequence, time.perf_counter() * 1e3)
                    await socket.send(frame.pack())
                    sequence += 1
                    taken.counts["sent"] += 1

            async def answers() -> None:
                while (left := until - time.perf_counter()) > 0:
                    try:
                        message = await asyncio.wait_for(socket.recv(), left)
                    except TimeoutError:
                        return
                    if isinstance(message, str):
                        taken.errors[f"message {json.loads(message).get('type')}"] += 1
                        continue
                    header = HEADER.unpack_from(message)
                    taken.times.append((time.perf_counter() * 1e3 - header[4]) / 1e3)
                    taken.counts["dropped"] += header[7]
                    taken.counts["bytes"] += len(message)

            await asyncio.gather(camera(), answers())
    except (OSError, WebSocketException, TimeoutError) as error:
        taken.errors[type(error).__name__] += 1


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Make the load of a plan."""
    refuse_others(plan["host"])
    if not (1 <= plan["clients"] <= MOST_CLIENTS and 0 < plan["seconds"] <= MOST_SECONDS):
        raise SystemExit(f"1 to {MOST_CLIENTS} clients, for {MOST_SECONDS:.0f} seconds at most")
    taken = Taken()
    began = time.perf_counter()
    async with asyncio.timeout(plan["seconds"] + 2 * PATIENCE):
        await {"images": images, "live": live}[plan["kind"]](plan, taken)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "clients": plan["clients"],
        "seconds": round(time.perf_counter() - began, 2),
        **taken.told(),
        "cpu_seconds_of_the_clients": round(used.ru_utime + used.ru_stime, 2),
    }


def main() -> None:
    """Read the plan, make the load, write the result."""
    plan = json.load(sys.stdin)
    try:
        import uvloop
    except ImportError:
        result = asyncio.run(run(plan))
    else:
        result = uvloop.run(run(plan))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
