"""`liveseg serve` as a process of its own that also says how many tasks, threads and files it holds.

    python counted_service.py NAME=JSON...

Arguments are options of `ServeSettings`; it prints its port once it listens. `GET /counted` is this program's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path

from liveseg.server.log import configure
from liveseg.server.run import Server, listen
from liveseg.settings import ServeSettings


def main() -> None:
    """Serve until a signal."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    options = {name: json.loads(text) for name, text in given.items()}
    if "data_folder" in options:
        options["data_folder"] = Path(options["data_folder"])
    settings = ServeSettings(port=0, log_format="json", **options)
    with listen(settings) as listener:
        configure(settings)
        server = Server(settings, listener, started=lambda _: print(listener.getsockname()[1], flush=True))

        @server.app.get("/counted", include_in_schema=False)
        async def counted() -> dict[str, object]:
            """What is held at this moment, this request's own among it."""
            return {
                "tasks": len(asyncio.all_tasks()),
                "names": sorted({str(task.get_coro()) for task in asyncio.all_tasks()})[:40],
                "threads": threading.active_count(),
                "files": len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0,  # noqa: PTH208
                "connections": len(server.doors),
                "waiting": server.service.engine.depth,
            }

        server.run()
    if any(thread.daemon for thread in threading.enumerate()):
        # As `liveseg serve` does it: the interpreter is not taken down under a thread that runs the network.
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
