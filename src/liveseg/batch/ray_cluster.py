"""Joining a Ray cluster, or starting one here, quietly; and what is wrong with it in words."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liveseg.errors import LivesegError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE_BYTES = 256 << 20
"""Object store of a cluster started here: what travels is descriptions of tasks and records, never media."""

KNOCK_SECONDS = 10.0

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}
"""Environment of this process and of what it starts, before Ray is imported; a value that is set already stays.

No report of Ray's use to its makers, and nothing of Ray's on the terminal, where it would come between JSON events.
"""


class ClusterError(LivesegError, RuntimeError):
    """A Ray cluster that cannot be joined, or cannot go on."""


@dataclass(frozen=True)
class Machine:
    """A machine of a cluster, or what Ray takes for one, and what it has in all."""

    name: str
    alive: bool
    cpus: float
    gpus: float

    def holds(self, cpus: float, gpus: float) -> bool:
        """Whether a worker could be there, were the machine free."""
        return self.alive and self.cpus >= cpus and self.gpus >= gpus


class Cluster:
    """A connection to a cluster, which ends what it started and nothing else.

    Args:
        address: `local` starts a cluster here, `auto` finds the one that this machine is part of; else `HOST:PORT` of
            its head.
        cpus: that a cluster started here has at least; it has as many as there are.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: a `ray://` address.
        ClusterError: there is no such cluster, or it runs another Python or Ray.
    """

    def __init__(self, address: str, *, cpus: float | None = None) -> None:
        if address.startswith("ray://"):
            # Ray's own pages advise against its client for long work; and here each machine opens the same files.
            raise UsageError(
                f"--ray {address}: a batch runs within its cluster; run it on one of its machines with --ray auto, or "
                "hand it over: ray job submit --address http://HEAD:8265 -- liveseg batch … --ray auto"
            )
        quiet()
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError("--ray needs Ray: pip install 'liveseg[ray]'") from error
        self.dashboard: str | None = None
        """The address of Ray's dashboard, where the cluster has one and was joined here."""
        self._joined = not ray.is_initialized()
        if self._joined:
            self.dashboard = _join(address, cpus)
        _hush()

    def machines(self) -> list[Machine]:
        """The machines of the cluster, lost ones among them."""
        import ray

        return [
            Machine(
                name=node["NodeID"],
                alive=node["Alive"],
                cpus=node["Resources"].get("CPU", 0.0),
                gpus=node["Resources"].get("GPU", 0.0),
            )
            for node in ray.nodes()
        ]

    def close(self) -> None:
        """Leave the cluster, which ends what this process runs there; end it, if it was started here."""
        import ray

        if self._joined:
            self._joined = False
            ray.shutdown()


def quiet() -> None:
    """Set the environment of what is imported and started from now on."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def in_words(error: BaseException) -> str:
    """What a failure of Ray means, as one line with what to do."""
    text = str(error)
    for package in ("liveseg", "pyarrow"):
        if f"No module named '{package}" in text:
            return (
                f"a machine of the Ray cluster cannot import {package}; "
                "its image needs the same version of 'liveseg[ray]' as this machine"
            )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"Ray gave up: {lines[-1] if lines else type(error).__name__}"


def _join(address: str, cpus: float | None) -> str | None:
    """Connect; gives the dashboard's address."""
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        # Without Ray's dashboard, which asks nobody who they are.
        options |= {
            "num_cpus": max(os.cpu_count() or 1, math.ceil(cpus or 1)),
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
        }
    elif address != "auto":
        _knock(address)
    with _own_signals(), _mute():
        try:
            url = ray.init(address=address, **options).dashboard_url
        except ConnectionError as error:
            raise ClusterError(
                f"--ray {address}: no Ray cluster found from this machine; give the address of its head, start one "
                "with `ray start --head`, or say --ray local"
            ) from error
        except (RuntimeError, ValueError, OSError) as error:
            raise ClusterError(f"--ray {address}: {in_words(error)}") from error
    return f"http://{url}" if url else None


def _knock(address: str) -> None:
    """See whether anybody is there, since Ray would try for half a minute and then show a traceback."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS):
            pass
    except ValueError as error:
        raise UsageError(f"--ray {address} is no address; say HOST:PORT, auto or local") from error
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster answers at {address}: {error.strerror or error}; `ray status` on its head says whether "
            "it runs"
        ) from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself when it is joined; here it ends a batch in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGBREAK] if hasattr(signal, "SIGBREAK") else [])]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextmanager
def _mute() -> Iterator[None]:
    """Ray's core tells on standard error that it was told to be quiet, below Python; for as long, nobody writes there.

    What fails meanwhile is raised.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def _hush() -> None:
    """Ray Data writes to its session's log file all the same, and to the handlers of whoever called us."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler) and type(handler).__module__.partition(".")[0] == "ray":
            handler.setLevel(logging.CRITICAL + 1)
