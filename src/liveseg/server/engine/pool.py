"""The models in memory: loaded when they are asked for, one at a time; the least recently used goes."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError
from liveseg.server.engine.errors import NotReady, UnknownModel, stopping
from liveseg.server.engine.memory import give_back, trim
from liveseg.server.engine.place import Place
from liveseg.server.log import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liveseg.server.engine.model import Loaded, ModelState, State
    from liveseg.settings.serve import ServedModel

FIRST_RETRY = 5.0
"""Seconds until a load that failed is tried again; twice as many after each further failure, up to a minute."""

_LONGEST_RETRY = 60.0
_BUSY_RETRY = 1.0
"""Seconds until a place in memory is looked for again, where all models are in use."""


class ModelPool:
    """Models by name, a few of them in memory. Every method may be called from any thread, and none of them waits.

    A model that works or is leased stays. Where room is needed and all the models work, the least recently used one of
    those that nobody leases takes no new work and goes when it has done what it has.

    Args:
        served: the models; the first is the default, and is loaded again by itself after a failure.
        most: how many are in memory at the same time.
        load: loads one, in the pool's thread.
        on_state: told of each model's name and state when that changes, and of the bytes that it takes.
        clock: gives seconds.
    """

    def __init__(
        self,
        served: Sequence[ServedModel],
        most: int,
        load: Callable[[ServedModel], Loaded],
        on_state: Callable[[str, State, int], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = {own.name: Place.of(own) for own in served}
        self.default = served[0].name
        self._most = most
        self._load = load
        self._on_state = on_state
        self._clock = clock
        # Re-entrant, since futures that are given a result call back, and may give the model back there.
        self._changed = threading.Condition(threading.RLock())
        self._wanted: list[Place] = []
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, name="liveseg-loader", daemon=True)

    @property
    def was_ready(self) -> bool:
        """Whether the default model was loaded once."""
        return self._places[self.default].loads > 0

    @property
    def names(self) -> tuple[str, ...]:
        """The models that there are."""
        return tuple(self._places)

    def start(self) -> None:
        """Begin to load the default model."""
        with self._changed:
            self._want(self._places[self.default])
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Load nothing more, wait for a load under way up to a time, and let go of all models."""
        with self._changed:
            self._stopped = True
            left = [waiter for place in self._places.values() for waiter in place.waiters]
            for place in self._places.values():
                place.waiters = []
            self._changed.notify_all()
        for waiter in left:
            if waiter.set_running_or_notify_cancel():
                waiter.set_exception(stopping())
        if self._thread.is_alive():
            self._thread.join(seconds)
        with self._changed:
            for place in self._places.values():
                if place.loaded is not None:
                    place.loaded = None
                    self._show(place, "absent")
        give_back()

    def take(self, name: str) -> Loaded:
        """A model that is in memory, which stays there until `give`; one that is not is loaded from now on.

        Raises:
            UnknownModel: no such model.
            NotReady: it is being loaded, or could not be.
        """
        with self._changed:
            place = self._place(name)
            if place.loaded is None or place.leaving:
                self._want(place)
                raise self._not_ready(place)
            place.works += 1
            place.used = self._clock()
            return place.loaded

    def give(self, name: str) -> None:
        """Give back what `take` gave."""
        with self._changed:
            place = self._places[name]
            place.works -= 1
            self._changed.notify_all()

    def lease(self, name: str) -> Future[Loaded]:
        """A model for longer, which stays in memory until `release`; the future's result comes when it is there.

        The future fails with `NotReady` where the model cannot be loaded. Whoever does not wait for it cancels it.

        Raises:
            UnknownModel: no such model.
            NotReady: its last load failed a moment ago, or the service is stopping.
        """
        future: Future[Loaded] = Future()
        with self._changed:
            place = self._place(name)
            if place.loaded is not None and not place.leaving:
                place.leases += 1
                place.used = self._clock()
                future.set_result(place.loaded)
                return future
            self._want(place)
            if place.state == "failed" or self._stopped:
                raise self._not_ready(place)
            place.waiters.append(future)
        return future

    def release(self, name: str) -> None:
        """Give back what `lease` gave."""
        with self._changed:
            place = self._places[name]
            place.leases -= 1
            place.used = self._clock()
            self._changed.notify_all()

    def states(self) -> list[ModelState]:
        """How it stands with each model, in the order in which the service names them."""
        with self._changed:
            return [place.told(self.default, self._clock()) for place in self._places.values()]

    def state(self, name: str) -> ModelState:
        """How it stands with one model.

        Raises:
            UnknownModel: no such model.
        """
        with self._changed:
            return self._place(name).told(self.default, self._clock())

    def _place(self, name: str) -> Place:
        if name not in self._places:
            raise UnknownModel(name, self.names)
        return self._places[name]

    def _want(self, place: Place) -> None:
        """Have a model loaded, unless that is under way, or failed a moment ago."""
        if self._stopped or place in self._wanted or place.state == "loading":
            return
        if place.state == "failed" and self._clock() < place.retry_at:
            return
        place.wanted = self._clock()
        self._wanted.append(place)
        if place.loaded is None:
            self._show(place, "loading")
        self._changed.notify_all()

    def _not_ready(self, place: Place) -> NotReady:
        name, now = place.served.name, self._clock()
        if self._stopped:
            return stopping()
        if place.state == "failed":
            return NotReady(f"model {name!r} could not be loaded: {place.problem}", max(place.retry_at - now, 1.0))
        # One at a time: those before it come first.
        before = sum(own.seconds for own in self._wanted[: self._wanted.index(place)]) if place in self._wanted else 0.0
        return NotReady(f"model {name!r} is being loaded", max(before + place.seconds - (now - place.wanted), 1.0))

    def _serve(self) -> None:
        while (place := self._next()) is not None:
            if not self._make_room(place):
                continue
            try:
                loaded = self._load(place.served)
            except LivesegError as error:
                self._failed(place, str(error))
            except Exception as error:  # noqa: BLE001 - a defect of ours or a library's: told in the log, and tried again
                tell("defect", level=logging.ERROR, error=error, model=place.served.name)
                self._failed(place, "an unforeseen failure; the service's log has more")
            else:
                self._ready(place, loaded)
                del loaded
            # What loading left behind, and what the last user of a model that went still held.
            trim()

    def _next(self) -> Place | None:
        with self._changed:
            while not self._stopped:
                if self._wanted:
                    return self._wanted.pop(0)
                default = self._places[self.default]
                # While all places are leased that would fail again and again; a release wakes this.
                tried = default.state == "failed" and not self._is_leased_out()
                again = default.retry_at - self._clock() if tried else None
                if again is not None and again <= 0:
                    self._want(default)
                    continue
                self._changed.wait(again)
            return None

    def _is_leased_out(self) -> bool:
        held = [own for own in self._places.values() if own.loaded is not None]
        return len(held) >= self._most and all(own.leases for own in held)

    def _make_room(self, place: Place) -> bool:
        """Wait until there is room for one model more; whether there is."""
        while True:
            with self._changed:
                if self._stopped:
                    return False
                held = [own for own in self._places.values() if own.loaded is not None]
                if len(held) < self._most:
                    place.wanted = self._clock()
                    return True
                free = [own for own in held if not own.leases]
                if not free:
                    names = ", ".join(sorted(own.served.name for own in held))
                    problem = f"memory holds {len(held)} models, all of them in use by streams ({names})"
                    self._failed(place, problem, again=True)
                    return False
                # Once chosen it is chosen again, until it has done what it has.
                chosen = min(free, key=lambda own: (not own.leaving, own.used))
                chosen.leaving = True
                if chosen.works:
                    self._changed.wait()
                    continue
                chosen.loaded, chosen.leaving = None, False
                self._show(chosen, "absent")
                if chosen in self._wanted:
                    # Asked for again while it was leaving: without this it would be taken for one that nobody loads.
                    self._show(chosen, "loading")
            give_back()

    def _ready(self, place: Place, loaded: Loaded) -> None:
        with self._changed:
            if self._stopped:
                return
            place.loaded, place.seconds = loaded, loaded.seconds
            place.loads += 1
            place.contract, place.size = loaded.segmenter.contract, loaded.segmenter.size
            self._settle(place, loaded)
        own, seconds = loaded.segmenter, round(loaded.seconds, 2)
        tell("model loaded", model=place.served.name, seconds=seconds, runtime=own.runtime, precision=own.precision)

    def _settle(self, place: Place, loaded: Loaded) -> None:
        """Show a model as ready, and give it to those who waited."""
        place.problem, place.failures = None, 0
        place.used = self._clock()
        self._show(place, "ready")
        waiters, place.waiters = place.waiters, []
        for waiter in waiters:
            if waiter.set_running_or_notify_cancel():
                place.leases += 1
                waiter.set_result(loaded)

    def _failed(self, place: Place, problem: str, *, again: bool = False) -> None:
        """Show that a model could not be loaded.

        Args:
            place: of the model.
            problem: why, in words.
            again: whether it may go at once next time, since it was no fault of the model's.
        """
        with self._changed:
            wait = min(FIRST_RETRY * 2.0**place.failures, _LONGEST_RETRY)
            place.problem = problem
            place.failures += not again
            place.retry_at = self._clock() + (_BUSY_RETRY if again else wait)
            self._show(place, "failed")
            told = self._not_ready(place)
            waiters, place.waiters = place.waiters, []
        tell("model not loaded", level=logging.WARNING, model=place.served.name, problem=problem)
        for waiter in waiters:
            if waiter.set_running_or_notify_cancel():
                waiter.set_exception(told)

    def _show(self, place: Place, state: State) -> None:
        if place.state != state:
            place.state = state
            self._on_state(place.served.name, state, 0 if place.loaded is None else place.loaded.bytes)
