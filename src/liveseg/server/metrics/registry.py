"""`Metrics`: each thing that happens in the service has a method, and each method its place in Prometheus' format."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from liveseg._version import __version__
from liveseg.server.metrics.formats import render
from liveseg.server.metrics.labels import OTHER, Bounded, StateGauge
from liveseg.server.metrics.process import register_process

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
STAGES = ("wait", "decode", "preprocess", "network", "postprocess", "render", "encode")
KINDS = ("live", "stream")
STREAM_STATES = ("connecting", "live", "away", "failed", "stopped")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "expired")

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_AGE_BUCKETS = (0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5)
_BATCH_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


class Metrics:
    """What happened since the service started, in a registry of its own; every method may be called from any thread.

    Label values come from the code, never from a client; `Bounded` holds their number whatever comes.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        register_process(self.registry)
        self._lock = threading.Lock()
        self._stream_states: dict[str, str] = {}
        self._models: dict[str, tuple[str, int]] = {}
        self._make_requests()
        self._make_work()
        self._make_frames()
        self._make_states()

    def _make_requests(self) -> None:
        own = self.registry
        Info("liveseg_build", "Version of liveseg.", registry=own).info({"version": __version__})
        self._routes, self._methods = Bounded(most=64), Bounded(*METHODS)
        self._requests = Counter(
            "liveseg_requests", "Requests that were answered.", ("route", "method", "status"), registry=own
        )
        self._request_seconds = Histogram(
            "liveseg_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ("route", "method"),
            buckets=_REQUEST_BUCKETS,
            registry=own,
        )

    def _make_work(self) -> None:
        own = self.registry
        self._stages = Bounded(*STAGES, most=16)
        self._stage_seconds = Histogram(
            "liveseg_stage_seconds", "Seconds of each stage.", ("stage",), buckets=_STAGE_BUCKETS, registry=own
        )
        self._queue_depth = Gauge("liveseg_queue_depth", "Pictures that wait for the network.", registry=own)
        self._batch_size = Histogram(
            "liveseg_batch_size",
            "Pictures that went through the network at once.",
            buckets=_BATCH_BUCKETS,
            registry=own,
        )
        for stage in STAGES:
            self._stage_seconds.labels(stage)

    def _make_frames(self) -> None:
        own = self.registry
        self._kinds = Bounded(*KINDS, most=8)
        self._frame_age = Histogram(
            "liveseg_frame_age_seconds",
            "Seconds from a live frame's arrival to its answer.",
            ("kind",),
            buckets=_AGE_BUCKETS,
            registry=own,
        )
        self._frames_dropped = Counter(
            "liveseg_frames_dropped", "Live frames left out because a newer one had come.", ("kind",), registry=own
        )
        self._live_sessions = Gauge("liveseg_live_sessions", "Open WebSockets of live pictures.", registry=own)
        for kind in KINDS:
            self._frame_age.labels(kind)
            self._frames_dropped.labels(kind)

    def _make_states(self) -> None:
        own = self.registry
        self._streams = StateGauge("liveseg_streams", "Live sources on the server's side.", STREAM_STATES, own)
        self._jobs = StateGauge("liveseg_video_jobs", "Videos that were sent, while they are kept.", JOB_STATES, own)
        self._models_in_memory = Gauge("liveseg_models_in_memory", "Models ready to run.", registry=own)
        self._model_bytes = Gauge(
            "liveseg_model_bytes", "Bytes by which the models in memory made the process grow.", registry=own
        )
        self._model_loads = Counter("liveseg_model_loads", "Models loaded.", ("result",), registry=own)
        for result in ("ready", "failed"):
            self._model_loads.labels(result)

    def request(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            route: the template that matched, such as `/v1/videos/{id}`, never the path itself; `None`: none did.
            method: as the client wrote it; `WEBSOCKET` for a socket.
            status: of the answer, 100 to 599; a socket's are 101 where it opened, and 403 where it was refused.
            seconds: from the request's head to the end of the answer.
        """
        named, verb = OTHER if route is None else self._routes(route), self._methods(method)
        self._requests.labels(named, verb, str(status) if 100 <= status < 600 else OTHER).inc()
        self._request_seconds.labels(named, verb).observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        """A stage was done for one picture; the names are `STAGES`."""
        self._stage_seconds.labels(self._stages(name)).observe(seconds)

    def queue(self, depth: int) -> None:
        """So many pictures wait for the network now."""
        self._queue_depth.set(depth)

    def batch(self, size: int) -> None:
        """So many pictures went through the network at once."""
        self._batch_size.observe(size)

    def frame(self, kind: str, age_seconds: float) -> None:
        """A live frame was answered; `kind` is `live` (a client's frame) or `stream` (a source of the server's)."""
        self._frame_age.labels(self._kinds(kind)).observe(age_seconds)

    def dropped(self, kind: str, n: int = 1) -> None:
        """So many live frames were left out because a newer one had come."""
        self._frames_dropped.labels(self._kinds(kind)).inc(n)

    def live(self, sessions: int) -> None:
        """So many WebSockets of live pictures are open now."""
        self._live_sessions.set(sessions)

    def stream(self, name: str, state: str | None) -> None:
        """A live source of the server's has another state; `None`: it is forgotten. Its name is counted, not shown."""
        with self._lock:
            if state is None:
                self._stream_states.pop(name, None)
            else:
                self._stream_states[name] = state
            self._streams.show(Tally(self._stream_states.values()))

    def jobs(self, states: Mapping[str, int]) -> None:
        """So many videos are in each state now; a state that is not named has none."""
        self._jobs.show(states)

    def model(self, name: str, state: str, size: int = 0) -> None:
        """A model has another state: `absent`, `loading`, `ready` or `failed`.

        Args:
            name: of the model.
            state: the new one.
            size: bytes by which it made the process grow; 0 where that is not known.
        """
        with self._lock:
            before = self._models.get(name, ("absent", 0))[0]
            self._models[name] = state, size
            ready = [held for now, held in self._models.values() if now == "ready"]
            self._models_in_memory.set(len(ready))
            self._model_bytes.set(sum(ready))
        if state != before and state in ("ready", "failed"):
            self._model_loads.labels(state).inc()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All of it as text, and the text's content type.

        Args:
            accept: the request's `Accept`; OpenMetrics where it prefers that, else Prometheus' own format.
        """
        return render(self.registry, accept)
