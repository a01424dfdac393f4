"""The threads of the network: each takes the oldest work there is, with what can be done together with it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from liveseg.segmentation import Segmentation
from liveseg.server.engine.task import Picture
from liveseg.server.engine.waiting import Waiting

if TYPE_CHECKING:
    from liveseg.server.engine.task import Task
    from liveseg.server.metrics.registry import Metrics

_STAGES = {"preprocess": "preprocess", "infer": "network", "postprocess": "postprocess"}
"""From a segmentation's own stages to those of the metrics."""


class Batcher:
    """A bounded queue and the threads that serve it.

    What goes wrong with one task is told to its caller and touches no other; a batch in which something goes wrong is
    done again one by one.

    Args:
        most: pictures that may wait.
        threads: how many tasks or batches are in hand at the same time.
        metrics: told of depth, batches and stages.
    """

    def __init__(self, most: int, threads: int, metrics: Metrics) -> None:
        self._metrics = metrics
        self.waiting = Waiting(most, threads, metrics.queue)
        self._threads = [
            threading.Thread(target=self._serve, name=f"liveseg-network-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]

    def start(self) -> None:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()

    def put(self, task: Task) -> None:
        """Let a task wait for its turn; see `Waiting.put`."""
        self.waiting.put(task)

    def stop(self, grace: float) -> bool:
        """Finish what is there, up to a time, and take nothing more; whether all of it was finished."""
        finished = self.waiting.wait_idle(grace)
        self.waiting.close()
        for thread in self._threads:
            # A network that runs cannot be interrupted; a thread that is still in one ends with it.
            thread.join(timeout=1.0 if finished else 0.1)
        return finished

    def _serve(self) -> None:
        while taken := self.waiting.take():
            lane = taken[0].lane
            began = time.perf_counter()
            wanted: list[Task] = []
            try:
                wanted = [task for task in taken if task.begin()]
                if wanted:
                    self._do(wanted)
            finally:
                self.waiting.done(lane, len(wanted), time.perf_counter() - began)
            # Nothing of the last work is kept alive while the next is waited for.
            del taken, wanted

    def _do(self, tasks: list[Task]) -> None:
        pictures = sum(isinstance(task, Picture) for task in tasks)
        if len(tasks) > 1:
            try:
                results = tasks[0].together(tasks)
            except Exception:  # noqa: BLE001 - each is tried by itself, and told what is wrong with it
                results = None
            if results is not None:
                self._metrics.batch(pictures)
                for task, result in zip(tasks, results, strict=True):
                    self._answer(task, result)
                return
        for task in tasks:
            try:
                result = task.alone()
            except BaseException as error:  # noqa: BLE001 - carried over to its caller, whatever it is
                task.future.set_exception(error)
            else:
                if pictures:
                    self._metrics.batch(1)
                self._answer(task, result)

    def _answer(self, task: Task, result: object) -> None:
        task.future.set_result(result)
        if isinstance(result, Segmentation):
            self._metrics.stage("wait", task.waited)
            for own, stage in _STAGES.items():
                self._metrics.stage(stage, result.speed[own] / 1e3)
