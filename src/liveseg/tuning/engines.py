"""Which networks could run here, on what and how, without a download that nobody asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.errors import SourceNotFoundError
from liveseg.models.registry import MODELS
from liveseg.runtimes.load import BUNDLED, Request, load
from liveseg.weights.catalogue import CATALOGUE
from liveseg.weights.integrity import verify
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from liveseg.runtimes.base import Runtime
    from liveseg.settings import ModelSettings, Precision, RuntimeName
    from liveseg.tuning.cost import Line
    from liveseg.weights.patience import Progress


@dataclass(frozen=True)
class Engine:
    """A network, what is to run it, and in which arithmetic.

    Args:
        model: its name; `None` where the weights are the user's own and say it themselves.
        weights: the user's own file.
        runtime: as the user may say it, `auto` among them.
        precision: likewise.
    """

    model: str | None
    weights: Path | None = None
    runtime: RuntimeName = "auto"
    precision: Precision = "auto"

    @property
    def name(self) -> str:
        """It in a few words, like `lite (auto int8)`."""
        own = self.model or (self.weights.name if self.weights else "")
        return f"{own} ({self.runtime} {self.precision})"

    @property
    def key(self) -> str:
        """What tells it from others, also after its file has been replaced by another of the same name."""
        own = ""
        if self.weights is not None:
            status = weights_file(self.weights).stat()
            place = hashlib.sha256(str(self.weights.absolute()).encode()).hexdigest()[:16]
            own = f"{place}-{status.st_size}-{status.st_mtime_ns}"
        return "/".join((self.model or "", own, self.runtime, self.precision))


def engines(settings: ModelSettings) -> list[Engine]:
    """What could run here, what the user asked for only; the likeliest first.

    Without a model's name these are the bundled one and those whose weights lie in the cache. A runtime and a
    precision that are left open are those that `auto` takes, and 8-bit integers where such a file is bundled.

    Raises:
        SourceNotFoundError: weights that are not there.
    """
    if settings.weights is not None:
        if not weights_file(settings.weights).is_file():
            raise SourceNotFoundError(f"no such weights file: {settings.weights}")
        models: list[str | None] = [settings.model]
    elif settings.model is not None:
        models = [settings.model]
    else:
        models = [BUNDLED, *(name for name in MODELS if name in CATALOGUE and verify(CATALOGUE[name]) == "ok")]
    on_cpu = settings.device in ("auto", "cpu")
    found = []
    for model in models:
        found.append(Engine(model, settings.weights, settings.runtime, settings.precision))
        if model == BUNDLED and settings.weights is None and settings.precision == "auto" and on_cpu:
            found.append(Engine(model, None, settings.runtime, "int8"))
    return found


class Networks:
    """The networks of a plan, each loaded once and kept.

    Args:
        settings: device and threads.
        line: how many pictures at the same time.
        progress: called while weights are downloaded that the user asked for.
        loader: what loads a network.
    """

    def __init__(
        self,
        settings: ModelSettings,
        line: Line,
        *,
        progress: Progress | None = None,
        loader: Callable[[Request], Runtime] = load,
    ) -> None:
        self._common = Request(
            device=settings.device,
            threads=settings.threads,
            parallel=line.parallel,
            # Of a file, too: `auto` takes the runtime for frames, as a run without a target does.
            live=True,
            progress=progress,
        )
        self._loader = loader
        self._loaded: dict[Engine, Runtime] = {}

    @property
    def threads_each(self) -> int:
        """How many threads one picture gets."""
        return self._common.threads_each

    def get(self, engine: Engine) -> Runtime:
        """The network, ready to run.

        Raises:
            LivesegError: as `liveseg.runtimes.load.load` does.
        """
        if engine not in self._loaded:
            self._loaded[engine] = self._loader(
                replace(
                    self._common,
                    model=engine.model,
                    weights=engine.weights,
                    runtime=engine.runtime,
                    precision=engine.precision,
                )
            )
        return self._loaded[engine]

    def forget(self) -> None:
        """Let go of all networks, and of what they prepared for sizes that may not come again."""
        self._loaded.clear()
