"""A server as a child process: started, waited for, watched from outside, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import psutil
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

HOST = "127.0.0.1"
_OPENER = build_opener(ProxyHandler({}))
_PAUSE = 0.5


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


class Server:
    """A server that runs as long as the block, with what it uses noted twice a second.

    Args:
        command: its words; `{port}` in them becomes a free port.
        ready: path that answers 200 once it is ready.
        log: where its output goes.
        environment: more than it inherits.
        patience: seconds until it has to be ready.
    """

    def __init__(
        self,
        command: Sequence[str],
        ready: str,
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        patience: float = 180.0,
    ) -> None:
        self.port = free_port()
        self._command = [word.replace("{port}", str(self.port)) for word in command]
        self._ready, self._log, self._patience = ready, log, patience
        self._environment = os.environ | (environment or {})
        self.samples: list[dict[str, float]] = []
        """Seconds since the start, resident bytes, threads, open files, and seconds of the processor so far."""

    def __enter__(self) -> Self:
        self._output: IO[bytes] = self._log.open("wb")
        self._process = subprocess.Popen(
            self._command, stdout=self._output, stderr=subprocess.STDOUT, env=self._environment
        )
        self.began = time.monotonic()
        self._seen = psutil.Process(self._process.pid)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        self.start_seconds = round(time.monotonic() - self.began, 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self.exit_code = self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.exit_code = self._process.wait()
        self.stop_seconds = round(time.monotonic() - began, 2)
        self._output.close()

    def get(self, path: str) -> str:
        """The text of an answer."""
        with _OPENER.open(f"http://{HOST}:{self.port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def metrics(self) -> dict[str, float]:
        """What liveseg tells Prometheus: the sum over labels, and `name{value}` for those with one label."""
        told: dict[str, float] = {}
        for family in text_string_to_metric_families(self.get("/metrics")):
            for sample in family.samples:
                if "le" in sample.labels or sample.name.endswith("_created"):
                    continue
                told[sample.name] = told.get(sample.name, 0.0) + sample.value
                if len(sample.labels) == 1:
                    told[f"{sample.name}{{{next(iter(sample.labels.values()))}}}"] = sample.value
        return told

    def now(self) -> dict[str, float]:
        """What it uses at this moment."""
        with self._seen.oneshot():
            times = self._seen.cpu_times()
            return {
                "at": round(time.monotonic() - self.began, 2),
                "rss": self._seen.memory_info().rss,
                "threads": self._seen.num_threads(),
                "files": self._seen.num_fds(),
                "cpu": round(times.user + times.system, 2),
            }

    def _watch(self) -> None:
        while not self._over.wait(_PAUSE):
            with contextlib.suppress(psutil.Error):
                self.samples.append(self.now())

    def _wait(self) -> None:
        while True:
            if self._process.poll() is not None:
                raise SystemExit(f"the server ended with {self._process.returncode}; see {self._log}")
            if time.monotonic() - self.began > self._patience:
                raise SystemExit(f"the server was not ready in {self._patience:.0f} seconds; see {self._log}")
            try:
                self.get(self._ready)
            except HTTPError as error:
                if error.code not in (429, 503):
                    raise SystemExit(f"{self._ready} answered {error.code}; see {self._log}") from error
            except OSError:
                pass
            else:
                return
            time.sleep(0.1)


def liveseg(*options: str) -> list[str]:
    """The command of the service, with limits that let one machine be many clients."""
    many = ["--connections", "512", "--connections-each", "512", "--live-each", "64", "--queue", "256"]
    return [
        sys.executable, "-m", "liveseg", "serve", "--host", HOST, "--port", "{port}", "--log-level", "warning", *many,
        *options,
    ]  # fmt: skip
