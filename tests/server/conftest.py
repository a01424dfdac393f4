"""What the tests of the service share: real services, each uvicorn in a thread on a free port of 127.0.0.1.

    @pytest.fixture(scope="module")
    def small(start_service):
        return start_service(max_body=4096)

`service` is one with every option at its default. Both are made once a module and ended after it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time

import httpx2
import pytest

from liveseg.settings import ServeSettings

TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    """The service's log comes to pytest, too: a service of another test's may have turned that off."""
    monkeypatch.setattr(logging.getLogger("liveseg.server"), "propagate", True)


class RunningService:
    """A service that runs in a thread, and its address."""

    def __init__(self, settings, prepare=None):
        from liveseg.server.run import Server, listen

        self.settings = settings
        self._listener = listen(settings)
        self._started = threading.Event()
        self.server = Server(settings, self._listener, started=lambda _: self._started.set())
        self.service = self.server.service
        if prepare is not None:
            prepare(self.server.app)
        self.url = self.server.address.rstrip("/")
        self.port = self._listener.getsockname()[1]
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)

    def _run(self):
        try:
            self.server.run()
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._started.set()

    def start(self, *, ready=True):
        self._thread.start()
        assert self._started.wait(60), "the service did not start"
        assert self._failure is None, f"the service did not start: {self._failure}"
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=120):
        """Wait until the default model is loaded."""
        ends = time.monotonic() + seconds
        while (answer := httpx2.get(f"{self.url}/readyz", timeout=30)).status_code != 200:
            assert time.monotonic() < ends, answer.text
            time.sleep(0.05)

    def end(self, seconds=60):
        """End it as SIGTERM does, and wait until it has ended."""
        if self._thread.is_alive():
            self.server.end()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the service does not end"
        # A model that is still being loaded: Python aborts if it ends under it.
        # Its own loader only: that of another service, which still runs, ends with that one.
        loader = self.service.engine._pool._thread
        if loader.is_alive():
            loader.join(seconds)
        self._listener.close()

    def client(self, **options):
        """A new client; a context manager."""
        token = self.settings.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        return httpx2.Client(base_url=self.url, headers=headers, **{"timeout": 60, **options})


@pytest.fixture(scope="module")
def start_service():
    """`start_service(**options)`: a running service with these options.

    `ready=False` does not wait for the model; `prepare(app)` is called before it starts, to add routes of a test's own.
    """
    with contextlib.ExitStack() as stack:

        def start(*, ready=True, prepare=None, **options):
            chosen = {"port": 0, "grace_seconds": 2.0, "threads": 2} | options
            running = RunningService(ServeSettings(**chosen), prepare)
            stack.callback(running.end)
            return running.start(ready=ready)

        yield start


@pytest.fixture(scope="module")
def service(start_service):
    """A service with every option at its default: `service.url`, `service.client()`, `service.service`."""
    return start_service()


@pytest.fixture(scope="module")
def client(service):
    """An `httpx2.Client` of `service`."""
    with service.client() as client:
        yield client
