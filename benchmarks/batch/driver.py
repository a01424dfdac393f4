"""What the driver takes for itself: files that hold nothing, and an executor that does nothing."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING, Any, Self

from liveseg.batch.drive import drive
from liveseg.batch.identity import settings_hash
from liveseg.batch.records import Record
from liveseg.settings import BatchSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from liveseg.batch.records import Bundle

FOLDERS = 20


class Nothing:
    """An executor that has done everything at once, and takes the time that the driver takes for its own part.

    Bundles are pickled and records unpickled, as on their way to workers and back.
    """

    workers = 1
    dashboard = None

    def __init__(self, settings: BatchSettings) -> None:
        self.hash = settings_hash(settings)
        self.drawing = self.telling = 0.0
        self.tasks = 0

    def run(self, bundles: Iterator[Bundle]) -> Iterator[Record]:
        began = time.perf_counter()
        sent = [pickle.dumps(bundle) for bundle in bundles]
        self.drawing += time.perf_counter() - began
        tasks = [task for one in sent for task in pickle.loads(one)]  # noqa: S301 - its own
        self.tasks += len(tasks)
        records = [
            Record(
                identifier=task.item.identifier,
                location=task.item.location,
                name=task.item.name,
                kind=task.item.kind,
                version=task.item.version,
                status="done",
                outputs=(f"{task.item.name}_lite_mask.png",),
                bytes_in=100_000,
                bytes_out=5_000,
                frames=1,
                pixels=640 * 480,
                seconds={"fetch": 0.001, "network": 0.02, "total": 0.03},
                areas={"background": 200_000, "cat": 107_200},
                model="lite",
                settings=self.hash,
                worker="worker-0",
                finished=time.time(),
            )
            for task in tasks
        ]
        told = [pickle.dumps(record) for record in records]
        began = time.perf_counter()
        for record in told:
            yield pickle.loads(record)  # noqa: S301 - its own
        self.telling += time.perf_counter() - began

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def driver_costs(folder: Path, count: int) -> dict[str, Any]:
    """Microseconds of the driver an image: until it is in a bundle, and for its record."""
    for number in range(FOLDERS):
        (folder / "names" / f"{number:03}").mkdir(parents=True)
    for number in range(count):
        (folder / "names" / f"{number % FOLDERS:03}" / f"{number:08}.jpg").touch()
    settings = BatchSettings(out=str(folder / "out"))
    executors: list[Nothing] = []

    def make(own: BatchSettings, _run: str) -> Any:
        executors.append(Nothing(own))
        return executors[-1]

    drive(settings, [str(folder / "names")], executor=make)
    (executor,) = executors
    if executor.tasks != count:
        raise SystemExit(f"the driver handed over {executor.tasks} of {count} files")
    return {
        "names": count,
        "item_us": round(executor.drawing / count * 1e6, 2),
        "record_us": round(executor.telling / count * 1e6, 2),
    }
