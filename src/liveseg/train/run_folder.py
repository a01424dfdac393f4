"""The folder of a training run: what lies where, and who may write to it."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liveseg.errors import OutputExistsError, SinkError, SourceNotFoundError, UsageError, WeightsError
from liveseg.files import atomic_write, errors_named, sink_error
from liveseg.weights.run import CHECKPOINT, GRAPH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_FOLDERS = ("checkpoints", "samples", "tensorboard")
_FILES = (
    "config.json", "labels.json", "data.json", "metrics.csv", CHECKPOINT, GRAPH, "summary.json",
    "report.json", "report.html", "README.md", "card.jpg",
)  # fmt: skip
_LOCK = ".lock"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, such as `runs/leaves`; `create` makes it.

    Args:
        path: the folder.
    """

    path: Path

    @property
    def name(self) -> str:
        """What the run, and the model that comes of it, is called."""
        return self.path.resolve().name

    @property
    def config(self) -> Path:
        """What was asked for, as JSON: `command`, `model`, `options` and what else decides the result."""
        return self.path / "config.json"

    @property
    def labels(self) -> Path:
        """Names and colours of the classes, as `liveseg.labels.LabelSet.to_json` has them; edit it to change them."""
        return self.path / "labels.json"

    @property
    def data(self) -> Path:
        """Which photos were learned from and which measured on, and what was found wrong with them."""
        return self.path / "data.json"

    @property
    def last(self) -> Path:
        """The whole state of the training, from which it goes on."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """The weights that did best in validation."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def metrics(self) -> Path:
        """The numbers of each round."""
        return self.path / "metrics.csv"

    @property
    def tensorboard(self) -> Path:
        """The folder of the curves."""
        return self.path / "tensorboard"

    @property
    def samples(self) -> Path:
        """The folder of the pictures that show how the masks become better."""
        return self.path / "samples"

    @property
    def checkpoint(self) -> Path:
        """The finished model for PyTorch, its contract in the header."""
        return self.path / CHECKPOINT

    @property
    def graph(self) -> Path:
        """The finished model for everything else."""
        return self.path / GRAPH

    @property
    def summary(self) -> Path:
        """What became of it, as `liveseg train --json` prints it."""
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        """The evaluation as JSON."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The evaluation as a page."""
        return self.path / "report.html"

    @property
    def card(self) -> Path:
        """What the model is, in plain words."""
        return self.path / "README.md"

    @property
    def picture(self) -> Path:
        """The card's picture."""
        return self.path / "card.jpg"

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end; the card is written last."""
        return self.graph.is_file() and self.card.is_file()

    @property
    def begun(self) -> bool:
        """Whether anything has been learned in it yet."""
        return self.last.is_file() or self.graph.is_file()

    @classmethod
    def check(cls, path: Path, *, resume: bool = False, overwrite: bool = False) -> RunFolder:
        """See that a run may be begun or gone on with in a folder, before the work that it takes; nothing is changed.

        Args:
            path: where.
            resume: go on with the run that is there.
            overwrite: replace the run that is there.

        Raises:
            OutputExistsError: a run is there, and neither was said; or other files are.
            SourceNotFoundError: no run to go on with.
            SinkError: it is a file.
        """
        folder = cls(path)
        if path.exists() and not path.is_dir():
            raise SinkError(f"cannot make the run {path}: that is a file; choose another --out")
        if resume:
            if not folder.config.is_file():
                raise SourceNotFoundError(
                    f"there is no run of liveseg train in {path}; leave out --resume to begin one"
                )
        elif folder.config.is_file():
            if folder.begun and not overwrite:
                raise OutputExistsError(
                    f"{path} holds a run already; go on with it by --resume, replace it by --overwrite, or choose"
                    " another --out"
                )
        elif path.is_dir() and any(entry.name not in (_LOCK, *_FOLDERS) for entry in path.iterdir()):
            raise OutputExistsError(f"{path} holds other files, and no run of liveseg; choose another --out")
        return folder

    @classmethod
    def create(cls, path: Path, *, resume: bool = False, overwrite: bool = False) -> RunFolder:
        """Make the folder of a run, or find that of the run to go on with; see `check`.

        What a run left that is replaced is removed; files that are none of a run's stay.

        Raises:
            OutputExistsError: as `check`.
            SourceNotFoundError: as `check`.
            SinkError: as `check`, or the folder cannot be made.
        """
        folder = cls.check(path, resume=resume, overwrite=overwrite)
        with errors_named(path):
            if not resume:
                folder._clear()  # noqa: SLF001 - this is its own class
            for name in _FOLDERS:
                (path / name).mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one that writes into the folder, which is made if need be, and taken away if it stays empty.

        Raises:
            SinkError: another process does, or it cannot be made.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / _LOCK, timeout=0)
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise SinkError(
                f"another liveseg is training in {self.path}; wait for it, or choose another --out"
            ) from error
        except OSError as error:
            raise sink_error(self.path, error) from error
        try:
            yield
        finally:
            lock.release()
            if made and all(entry.name == _LOCK for entry in self.path.iterdir()):
                _take_away(made)

    def write_json(self, file: Path, data: Any) -> None:
        """Write JSON into one of its files, whole or not at all.

        Raises:
            SinkError: it cannot be written.
        """
        self.write_text(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def write_text(self, file: Path, text: str) -> None:
        """Write one of its files, whole or not at all.

        Raises:
            SinkError: it cannot be written.
        """
        with atomic_write(file, overwrite=True) as partial:
            partial.write_text(text, encoding="utf-8")

    def read_json(self, file: Path) -> Any:
        """Read one of its files.

        Raises:
            WeightsError: it is missing or damaged.
        """
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsError(f"the run in {self.path} is damaged, {file.name} cannot be read: {error}") from error

    def hold_to(self, settings: Mapping[str, Any]) -> None:
        """See that a run which is gone on with has the settings that it began with.

        Args:
            settings: what would stand under `settings` in its configuration now.

        Raises:
            UsageError: others; the message names them.
            WeightsError: a configuration that cannot be read.
        """
        stored = self.read_json(self.config)
        before, now = stored.get("settings", {}), json.loads(json.dumps(settings))
        other = [name for name in now if before.get(name) != now[name]]
        if other:
            what = ", ".join(f"--{n.replace('_', '-')} was {before.get(n)}, not {now[n]}" for n in other[:3])
            raise UsageError(f"--resume goes on with the same run: {what}; it began as: {stored.get('command', '?')}")

    def _clear(self) -> None:
        for name in _FOLDERS:
            if (self.path / name).is_dir():
                shutil.rmtree(self.path / name)
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)


def _take_away(folders: Iterable[Path]) -> None:
    """Remove folders in which nothing but a lock was made, innermost first, as far as they are empty."""
    with suppress(OSError):  # another process has put something there meanwhile
        for folder in folders:
            (folder / _LOCK).unlink(missing_ok=True)
            folder.rmdir()
