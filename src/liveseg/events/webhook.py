"""An action: tells each event to a web server, from a thread of its own, with patience but not without end."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from liveseg._version import __version__
from liveseg.errors import UsageError
from liveseg.media.address import parse_address

if TYPE_CHECKING:
    import requests

    from liveseg.events.event import Event

_PASSING = frozenset({408, 425, 429})
"""Refusals that a later try may not meet; so may those from 500 up."""

_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Patience:
    """How long a webhook is tried.

    Args:
        timeout: seconds for the connection, and again for the answer.
        tries: of one event.
        first_wait: seconds after the first failed try; they double with each, and a random part of them is waited.
        queue: events that wait at most; the oldest gives way to a new one.
        grace: seconds at the end for those that still wait.
    """

    timeout: float = 5.0
    tries: int = 6
    first_wait: float = 1.0
    queue: int = 100
    grace: float = 5.0


class Webhook:
    """An action: sends each event as JSON in a POST request, one after the other, in order.

    An event is delivered once a server has answered with a status from 200 to 299. Connections that fail, answers that
    do not come and statuses that pass (408, 425, 429, from 500 up) are tried again, after pauses that double and are
    in part random, or as long as the server asks for; other refusals are final, redirections among them: an event is
    for the server that the user named.

    Args:
        url: `http://…` or `https://…`; a name and a password in it are used for basic authentication. Of all this only
            the host is ever printed, since the path and the query of a webhook are its secret.
        patience: how long it is tried.

    Raises:
        UsageError: an address that cannot be one of a webhook.
    """

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        address = parse_address(url)
        if address is None or address.kind != "http":
            raise UsageError("--then webhook: is followed by an address that begins with http:// or https://")
        parts = urlsplit(url)
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/***"
        self.notes: list[str] = []
        self._url = url
        self._patience = patience or Patience()
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None
        self._under_way = 0
        self._delivered = 0
        self._pushed_out = 0
        self._failed = 0
        self._why = ""

    def take(self, event: Event) -> None:
        """Put an event into the queue; where that is full, the oldest one in it is given up."""
        with self._changed:
            if self._deadline is not None:
                return
            if len(self._waiting) >= self._patience.queue:
                self._waiting.popleft()
                self._pushed_out += 1
            self._waiting.append(event)
            self._changed.notify()
            if self._thread is None:
                # Not before it is needed, and never waited for at the end: a server may answer for ever.
                self._thread = threading.Thread(target=self._run, name="liveseg-webhook", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait a short time for the events in the queue, then give the others up, and say so."""
        with self._changed:
            if self._deadline is not None:
                return
            self._deadline = time.monotonic() + self._patience.grace
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(self._patience.grace)
        with self._changed:
            # Whether what is still under way arrives nobody will know.
            lost = self._pushed_out + self._failed + self._under_way + len(self._waiting)
            if not lost:
                return
            self.notes.append(
                f"{self.shown} took {self._delivered} of {self._delivered + lost} events"
                f"{f'; {self._pushed_out} did not fit into the queue' if self._pushed_out else ''}"
                f"{f'; at last: {self._why}' if self._why else ''}"
            )

    def _run(self) -> None:
        import requests

        with requests.Session() as session:
            while (event := self._next()) is not None:
                delivered = self._deliver(session, event)
                with self._changed:
                    self._under_way = 0
                    if delivered:
                        self._delivered += 1
                    else:
                        self._failed += 1

    def _next(self) -> Event | None:
        """The oldest event of the queue; `None` at the end."""
        with self._changed:
            while not self._waiting and self._deadline is None:
                self._changed.wait()
            if not self._waiting or self._left() <= 0:
                return None
            self._under_way = 1
            return self._waiting.popleft()

    def _left(self) -> float:
        """Seconds until everything has to be done; endless before `close`."""
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    def _deliver(self, session: requests.Session, event: Event) -> bool:
        pause = self._patience.first_wait
        for number in range(1, self._patience.tries + 1):
            wait = self._try(session, event)
            if wait is None:
                return True
            if number == self._patience.tries or wait < 0 or self._left() <= 0:
                break
            # Full jitter, as Amazon's builders' library has it: many that failed together do not return together.
            wait = wait or random.uniform(pause / 2, pause)  # noqa: S311 - a pause, not a secret
            pause = min(pause * 2, _LONGEST_WAIT)
            self._sleep(min(wait, _LONGEST_WAIT))
        return False

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while (left := min(until - time.monotonic(), self._left())) > 0:
                self._changed.wait(left)

    def _try(self, session: requests.Session, event: Event) -> float | None:
        """One request; `None` if the event is delivered, else the seconds to wait: 0 for the usual, below for never."""
        import requests

        body = json.dumps(event.to_json()).encode()
        headers = {"Content-Type": "application/json", "User-Agent": f"liveseg/{__version__}"}
        timeout = max(min(self._patience.timeout, self._left()), 0.1)
        try:
            with session.post(
                self._url, data=body, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as answer:
                status, after = answer.status_code, answer.headers.get("Retry-After", "")
        except requests.Timeout:
            self._why = f"no answer within {self._patience.timeout:g} s"
            return 0.0
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            self._why = "no connection"
            return 0.0
        except (requests.RequestException, ValueError, OSError) as error:
            # Its words would repeat the address.
            self._why = f"the request failed ({type(error).__name__})"
            return -1.0
        if 200 <= status < 300:
            return None
        self._why = f"it answered {status}"
        if status in _PASSING or status >= 500:
            return float(after) if after.isascii() and after.isdecimal() else 0.0
        return -1.0
