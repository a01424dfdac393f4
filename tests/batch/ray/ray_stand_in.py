"""A replica without a network: what it makes is a digest of the file; what it does is written down beside.

It is imported by name in the processes of the cluster, whose PYTHONPATH has this folder.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

from liveseg.batch.places import Place
from liveseg.batch.records import Record
from liveseg.batch.replica import settings_hash


def made(data: bytes) -> bytes:
    """What is made of a file."""
    return hashlib.sha256(b"made of " + data).digest() * 50


class StandIn:
    """A replica that takes its time, and ends as the file's name says.

    Args:
        settings: of the batch.
        worker: its name.
        deeds: a folder; each task that is begun is a line in a file named by the process and its parent's, the actor.
        seconds: that a file takes.
    """

    def __init__(self, settings, *, worker, deeds, seconds=0.02):
        self.settings = settings
        self.worker = worker
        self.seconds = seconds
        self.deeds = Path(deeds) / f"{os.getpid()}-{os.getppid()}.txt"
        self.deeds.touch()
        self.place = Place.at(settings.destination, settings.storage_options)
        self.hash = settings_hash(settings)

    def run(self, tasks, done=None):
        records = []
        for task in tasks:
            record = self.one(task)
            records.append(record)
            if done is not None:
                done(record)
        return records

    def one(self, task):
        item = task.item
        with self.deeds.open("a", encoding="utf-8") as file:
            file.write(f"{item.name} {task.attempt}\n")
        time.sleep(self.seconds)
        if item.name.startswith("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        if item.name.startswith("venom"):  # takes the actor with it
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        name = f"{item.name}.bin"
        self.place.commit_bytes(made(Path(item.location).read_bytes()), name)
        return Record(
            identifier=item.identifier, location=item.location, name=item.name, kind=item.kind, version=item.version,
            status="done", attempts=task.attempt, outputs=(name,), frames=1, settings=self.hash, worker=self.worker,
            finished=time.time(),
        )  # fmt: skip

    def close(self):
        pass
