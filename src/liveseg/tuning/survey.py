"""What this machine can do: from the cache where it was measured before, else measured now and kept."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError
from liveseg.labels import PASCAL_VOC
from liveseg.tuning.cache import Measurement, cache_file, recall
from liveseg.tuning.cache import keep as write
from liveseg.tuning.choose import sizes_measured
from liveseg.tuning.machine import IdleCores, processor, versions
from liveseg.tuning.measure import measure_engine, measure_line
from liveseg.tuning.scene import scene

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liveseg.preprocess import Size
    from liveseg.settings import ModelSettings
    from liveseg.tuning.cost import EngineCost, Line
    from liveseg.tuning.engines import Engine, Networks
    from liveseg.tuning.measure import Encode

BUDGET = 6.0
"""Seconds that measuring takes about."""

BUSY = 0.25
"""The share of the cores that others may use while this machine is measured; beyond it the figures are not kept."""

_LOCK = threading.Lock()

_recent: dict[Path, Measurement] = {}
"""What this process has measured, by the file it was to be kept in: good enough for its other streams at least."""


def survey(
    engines: Sequence[Engine],
    frame: tuple[int, int],
    settings: ModelSettings,
    line: Line,
    encode: Encode | None,
    networks: Networks,
    tell: Callable[[str], None] | None = None,
    *,
    keep: bool = True,
) -> tuple[Measurement, list[str]]:
    """What the line and some networks cost here, and what there is to say of it, a line each.

    Args:
        engines: the networks; the first one has to be there, others may be missing.
        frame: width and height of the source.
        settings: threads, device and size as the user wants them.
        line: how the line is set up.
        encode: how results are written; `None` where they are not.
        networks: what loads them.
        tell: told when measuring begins.
        keep: whether the figures may be kept; not while other lines of this process work.

    Raises:
        LivesegError: the first network cannot be had, or one of them fails.
    """
    key = {
        "processor": processor(),
        "cores": line.cores,
        "threads": settings.threads,
        "parallel": line.parallel,
        "device": settings.device,
        "size": settings.size,
        "frame": list(frame),
        "encode": None if encode is None else asdict(encode),
        "versions": versions(),
    }
    place = cache_file(key)
    with _LOCK:  # streams that start at the same time would measure each other
        kept = recall(key)
        known = kept or _recent.get(place)
        # Figures that were not worth keeping do not become so beside others.
        keep = keep and (known is None or kept is not None)
        new = [engine for engine in engines if known is None or not known.knows(engine)]
        # Tried each time: what could not be had may be there now.
        missing, left_out = _available(new, networks, required=engines[0])
        if known is not None and not missing:
            day = time.strftime("%Y-%m-%d", time.localtime(known.taken))
            said = [f"measured on {day}, kept in {place}" if place.exists() else "measured just now"]
        else:
            if tell is not None:
                tell(f"measuring what this machine can do, about {BUDGET:.0f} s")
            began, others = time.perf_counter(), _Others(line.cores)
            known = _measure(known, missing, frame, settings, line, encode, networks)
            said = [f"measured in {time.perf_counter() - began:.1f} s"]
            _recent[place] = known
            busy = others.used()
            if busy > BUSY * line.cores:
                said.append(
                    f"others used {busy:.1f} of {line.cores} cores meanwhile: the figures are low, and not kept"
                )
            elif not keep:
                said.append("other lines of this process may have slowed this down: the figures are not kept")
            elif (trouble := write(key, known)) is not None:
                said.append(trouble)
    said += left_out
    said += [_fitted(known.engines[engine.key]) for engine in engines if engine.key in known.engines]
    return known, said


def _available(engines: Sequence[Engine], networks: Networks, *, required: Engine) -> tuple[list[Engine], list[str]]:
    """Those that can be loaded, and a line on each of the others."""
    found, left_out = [], []
    for engine in engines:
        try:
            networks.get(engine)
        except LivesegError as error:
            if engine == required:
                raise
            left_out.append(f"left out {engine.name}: {error}")
        else:
            found.append(engine)
    return found, left_out


def _measure(
    known: Measurement | None,
    missing: Sequence[Engine],
    frame: tuple[int, int],
    settings: ModelSettings,
    line: Line,
    encode: Encode | None,
    networks: Networks,
) -> Measurement:
    import cv2

    began = time.perf_counter()
    threads_before = cv2.getNumThreads()
    cv2.setNumThreads(networks.threads_each)
    try:
        if known is None:
            known = Measurement(
                measure_line(frame, PASCAL_VOC, encode=encode, threads=settings.threads, seconds=BUDGET / 4)
            )
        pictures = scene(*frame)
        for number, engine in enumerate(missing):
            network = networks.get(engine)
            sizes: Sequence[Size] = sizes_measured(network.contract)
            if settings.size is not None:
                sizes = [settings.size]  # type: ignore[list-item]  # a number or `native`, which settings parsed
            seconds = (began + BUDGET - time.perf_counter()) / (len(missing) - number)
            known.engines[engine.key] = measure_engine(
                network, pictures, sizes, parallel=line.parallel, seconds=max(seconds, 0.5)
            )
    finally:
        cv2.setNumThreads(threads_before)
        networks.forget()
    return known


class _Others:
    """How many cores other processes use, from when it was made."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._idle = IdleCores()
        self._began, self._own = time.perf_counter(), time.process_time()

    def used(self) -> float:
        """Cores on average; 0 where the system does not say."""
        idle = self._idle()
        if idle is None:
            return 0.0
        own = (time.process_time() - self._own) / (time.perf_counter() - self._began)
        return self._cores - idle - own


def _fitted(cost: EngineCost) -> str:
    line = cost.wall
    return (
        f"{cost.contract.name} by {cost.runtime} in {cost.precision} on {cost.device}: {line.base * 1e3:.1f} ms and"
        f" {line.per_pixel * 1e8:.2f} ms for 100,000 pixels of input ({len(cost.samples)} sizes, within"
        f" {line.deviation:.0%})"
    )
