"""From a wanted rate to what will run: measured, chosen and explained in one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.runtimes.base import available_cores
from liveseg.segmenter import parallel_for_video
from liveseg.tuning.choose import Level, Row, choose, ladder, levels_of, table
from liveseg.tuning.cost import Line
from liveseg.tuning.engines import Networks, engines
from liveseg.tuning.ladder import LadderSegmenter
from liveseg.tuning.machine import IdleCores
from liveseg.tuning.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.settings import ModelSettings
    from liveseg.tuning.measure import Encode


@dataclass
class Plan:
    """What will run, and why.

    Args:
        target: frames a second wanted of each stream.
        frame: width and height of the source.
        levels: from the best quality to the fastest.
        home: the one to start from, and to stay on where the source is not live.
        table: what was measured, to be shown.
        said: what was found and chosen, a line each.
        reaches: whether the target is expected to be reached.
        threads: threads on the CPU, of all pictures together.
        line: how the line is to be set up.
        networks: what loads the levels.
    """

    target: float
    frame: tuple[int, int]
    levels: list[Level]
    home: int
    table: list[Row]
    said: list[str]
    reaches: bool
    threads: int
    line: Line
    networks: Networks = field(repr=False)

    @property
    def chosen(self) -> Level:
        """The level to start from."""
        return self.levels[self.home]

    def segmenter(self, on_step: Callable[[str], None] | None = None) -> LadderSegmenter:
        """A segmenter for one stream, ready to run; of a live source it adapts.

        Args:
            on_step: told of each change of level, in words, from the line's threads.

        Raises:
            LivesegError: a network cannot be loaded.
        """
        live = self.line.live
        idle = IdleCores()

        def share_of_idle() -> float | None:
            cores = idle()
            return None if cores is None else cores / self.line.streams

        segmenter = LadderSegmenter(
            self.levels if live else [self.chosen],
            self.networks,
            home=self.home if live else 0,
            target=self.target if live else None,
            threads=self.threads,
            parallel=self.line.parallel,
            idle=share_of_idle,
            on_step=on_step,
        )
        segmenter.warm_up(*self.frame)
        return segmenter


def plan(
    target_fps: float,
    frame: tuple[int, int],
    *,
    settings: ModelSettings,
    live: bool,
    encode: Encode | None,
    streams: int = 1,
    parallel: int | None = None,
    source_rate: float | None = None,
    tell: Callable[[str], None] | None = None,
    networks: Networks | None = None,
    keep: bool = True,
) -> Plan:
    """What reaches a rate on this machine at the best quality.

    The machine is measured where that was not done before, see `liveseg.tuning.cache`. What the user names (model,
    weights, runtime, precision, size, threads) is taken as it is; only the rest is chosen.

    Args:
        target_fps: frames a second, of each stream.
        frame: width and height of the source, in pixels.
        settings: what the user asked for.
        live: whether frames not taken in time are lost, so that the levels around the chosen one are of use.
        encode: how results are written; `None` where they are not.
        streams: how many sources of this size share the machine.
        parallel: how many frames are segmented at the same time; by default one of a live source, of a file as many as
            `parallel_for_video` says.
        source_rate: frames a second of a live source, which cannot be exceeded.
        tell: told when measuring begins.
        networks: the loaded networks; new ones by default.
        keep: whether what is measured may be kept for later runs; not while other lines of this process work.

    Raises:
        UsageError: a target that is no rate, or a model, runtime or device that does not exist.
        WeightsError: weights that cannot be had or used.
        LivesegError: a network fails.
    """
    if not target_fps > 0:
        raise UsageError(f"--target-fps is above 0, not {target_fps}")
    wanted = target_fps if source_rate is None or not live else min(target_fps, source_rate)
    threads = settings.threads or available_cores()
    parallel = parallel or (1 if live else parallel_for_video(settings.threads))
    line = Line(available_cores(), parallel, streams, live)
    networks = networks or Networks(settings, line)
    possible = engines(settings)
    measurement, said = survey(possible, frame, settings, line, encode, networks, tell, keep=keep)
    levels = levels_of(measurement, possible, line, frame, settings.size)  # type: ignore[arg-type]
    best = choose(levels, wanted)
    if wanted < target_fps:
        said.append(f"the source gives {wanted:g} frames a second, so that is the target")
    said.append(_why(best, wanted, frame, streams))
    rungs = ladder(levels, best)
    return Plan(
        target=wanted,
        frame=frame,
        levels=rungs,
        home=rungs.index(best),
        table=table(levels, best, wanted),
        said=said,
        reaches=best.reaches(wanted),
        threads=threads,
        line=line,
        networks=networks,
    )


def _why(best: Level, wanted: float, frame: tuple[int, int], streams: int) -> str:
    of_each = f" of each of {streams} streams" if streams > 1 else ""
    rate, size = f"{wanted:g} frames a second{of_each}", f"{frame[0]}x{frame[1]}"
    if best.reaches(wanted):
        return f"{best.name} is the best that holds {rate} at {size}; {best.rung.rate:.1f} expected"
    return f"nothing here holds {rate} at {size}; {best.name} is the fastest, expect about {best.rung.rate:.1f}"
