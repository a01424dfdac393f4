"""What stands in for a model in tests of workers: what it does with a file is written in the file.

`write`: a few hundred bytes that follow from the name; `kill`, `exit` and `raise` end the worker; `hang` does not end;
`bad` is no picture; `full` and `away` fail once for want of memory and of storage; `sleep 0.2` takes so long. Where
the environment names a folder for deeds, each task that is begun is a line in a file of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sys
import time
from pathlib import Path

from liveseg.batch.failure import DeviceLostError
from liveseg.batch.identity import settings_hash
from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place
from liveseg.batch.records import Item, Piece, Record, Task
from liveseg.errors import MediaError, WeightsError

HEAVY = ("torch", "onnxruntime", "cv2", "av", "openvino")


DEEDS = "STAND_IN_DEEDS"


def made(name: str) -> bytes:
    """What is made of a file."""
    return hashlib.sha256(name.encode()).digest() * 20


def record_of(task: Task, error: str | None = None, kind: str | None = None, **about) -> Record:
    """The record of a task, as workers write it."""
    item, piece = task.item, task.piece
    return Record(
        identifier=item.identifier,
        location=item.location,
        name=item.name,
        kind=item.kind,
        version=item.version,
        piece=piece.index if piece else None,
        pieces=piece.count if piece else task.join or None,
        status="failed" if error else "part" if piece else "done",
        attempts=task.attempt,
        error=error,
        error_kind=kind,
        bytes_in=1,
        frames=0 if error else 1,
        pixels=0 if error else 10_000,
        areas={} if error else {"background": 9_000, "cat": 1_000},
        finished=time.time(),
        **about,
    )


class StandIn:
    """As a `Replica`, without a model."""

    def __init__(self, settings, *, worker):
        self.worker = worker
        self.place = Place.at(settings.destination, settings.storage_options)
        self.hash = settings_hash(settings)

    def run(self, tasks, done=None):
        return [self._told(task, done) for task in tasks]

    def _told(self, task, done):
        record = self.one(task)
        if done is not None:
            done(record)
        return record

    def one(self, task: Task) -> Record:
        if deeds := os.environ.get(DEEDS):
            with Path(deeds, str(os.getpid())).open("a", encoding="utf-8") as file:
                file.write(f"{task.item.name}\n")
        began = time.perf_counter()
        word, *more = Path(task.item.location).read_text(encoding="utf-8").split() or ["write"]
        error, kind = self.lived_through(word, more, task)
        outputs = ()
        if error is None:
            name = f"{task.item.name}.bin"
            self.place.commit_bytes(made(task.item.name), name)
            outputs = (name,)
        return record_of(
            task, error, kind, outputs=outputs, settings=self.hash, worker=self.worker,
            seconds={"total": time.perf_counter() - began},
        )  # fmt: skip

    def lived_through(self, word, more, task):
        """What was wrong, and of which kind that is, where the file's word leaves that to be said."""
        error = kind = None
        match word:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            case "exit":
                os._exit(7)
            case "raise":
                raise KeyError("surprise")
            case "lost":
                raise DeviceLostError("the device is lost")
            case "hang":
                time.sleep(600)
            case "bad":
                error, kind = f"{task.item.location} is no picture", "unreadable"
            case "full" if task.attempt == 1:
                error, kind = "no memory", "memory"
            case "away" if task.attempt == 1:
                error, kind = "no storage", "storage"
            case "sleep":
                time.sleep(float(more[0]))
        return error, kind

    def close(self):
        pass


class NoModel(StandIn):
    """What no worker can be: its weights are bad."""

    def __init__(self, settings, *, worker):
        raise WeightsError("these weights are of another network; choose others")


class NoPicture(StandIn):
    """Says so with an error of its own when it runs, as a model that is loaded then."""

    def run(self, tasks, done=None):
        raise MediaError("nothing can be read here; give up")


class Stillborn(StandIn):
    """Dies at its start."""

    def __init__(self, settings, *, worker):
        os._exit(3)


class Broken(StandIn):
    """Has a defect at its start."""

    def __init__(self, settings, *, worker):
        raise ZeroDivisionError("none")


class Forgetful(StandIn):
    """Leaves every task without a record."""

    def run(self, tasks, done=None):
        return []


class Light(StandIn):
    """Says in its records what its process has imported, and where its temporary files go."""

    def one(self, task):
        import dataclasses
        import tempfile

        imported = [name for name in HEAVY if name in sys.modules]
        about = dict.fromkeys(imported, 1) | {f"tmp {tempfile.gettempdir()}": 1, f"pid {os.getpid()}": 1}
        return dataclasses.replace(super().one(task), areas=about)


class Inline:
    """An executor without processes.

    Args:
        settings: of the run.
        run: its name.
        fail: kinds of failure, by the file's name and, of a piece, its index.
        before: called with each task.
    """

    workers = 1
    dashboard = None

    def __init__(self, settings, run, fail=None, before=lambda _: None):
        self.settings, self.fail, self.before = settings, fail or {}, before
        self.hash = settings_hash(settings)
        self.place = Place.at(settings.destination)
        self.log = Manifest(self.place).log(run, "inline")
        self.tasks = []
        self.stopped = False

    def run(self, bundles):
        for bundle in bundles:
            for task in bundle:
                if self.stopped:
                    return
                self.tasks.append(task)
                self.before(task)
                kind = self.fail.get((task.item.name, task.piece.index) if task.piece else task.item.name)
                if kind is None and task.piece is None:
                    self.place.commit_bytes(made(task.item.name), f"{task.item.name}.bin")
                error = kind and f"{task.item.location}: {kind}"
                record = record_of(task, error, kind, settings=self.hash, worker="inline", seconds={"total": 0.01})
                self.log.append([record])
                yield record

    def stop(self):
        self.stopped = True

    def close(self):
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tasks_of(folder: Path, words: list[str]) -> list[Task]:
    """A file for each word, and its task."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = []
    for number, word in enumerate(words):
        path = folder / f"{number:04}.png"
        path.write_text(word, encoding="utf-8")
        tasks.append(Task(Item(location=str(path), name=path.stem, kind="image")))
    return tasks


def cut(item: Item, settings) -> list[Piece]:
    """What reads headers, by the file's name: `kill`, `hang`, `raise`, or any other in two pieces."""
    match item.name:
        case "kill":
            os._exit(11)
        case "hang":
            time.sleep(600)
        case "raise":
            raise ValueError("surprise")
    return [Piece(0, 2, 0.0, 60.0), Piece(1, 2, float(os.getpid()), None)]


class Loud(StandIn):
    """Logs a traceback for each task, as for a defect."""

    def one(self, task):
        logging.getLogger("liveseg.batch.failure").error(
            "defect at %s", task.item.name, exc_info=ValueError("surprise")
        )
        return super().one(task)
