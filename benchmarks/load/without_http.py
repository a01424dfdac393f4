"""The same decoding, inference and encoding as the service's, without the service: what its overhead is measured by.

    python benchmarks/load/without_http.py < plan.json > result.json

As many threads as the service segments with at a time, each with as many threads of the network as there, go round:
read the upload, run the network, draw and encode the overlay, by the same functions that the service's routes call. The
plan says `seconds`, `pictures` (files) and `output`; it is read line by line, a result is written for each, and the end
of the input ends the program. The model is loaded, and every thread has gone round once, before the first is read.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2

from liveseg.server.engine.model import Loader
from liveseg.server.engine.threads import Budget
from liveseg.server.segment.answers import Form, answer
from liveseg.server.segment.options import SegmentOptions
from liveseg.server.segment.reading import read_upload
from liveseg.settings.serve import ServeSettings


class Loop:
    """What the service does with a picture, and nothing else."""

    def __init__(self) -> None:
        self.settings = ServeSettings()
        self.budget = Budget.of(self.settings.threads)
        cv2.setNumThreads(self.budget.each)
        served = self.settings.served[0]
        self._name = served.name
        self._segmenter = Loader(self.settings, self.budget)(served).segmenter
        self._options = SegmentOptions()

    def once(self, data: bytes, form: Form) -> int:
        """One picture: the bytes of its answer."""
        picture = read_upload(data, max_pixels=self.settings.max_pixels)
        return len(answer(self._segmenter(picture), form, self._options, self._name).body)

    def run(self, plan: dict[str, Any]) -> dict[str, Any]:
        """All threads, for some seconds."""
        pictures = [Path(name).read_bytes() for name in plan["pictures"]]
        form = Form.negotiated(plan["output"], "*/*")
        started = time.perf_counter()
        until = started + plan["seconds"]
        times: list[float] = []

        def work(number: int) -> None:
            turn = number
            while (began := time.perf_counter()) < until:
                turn += 1
                self.once(pictures[turn % len(pictures)], form)
                times.append(time.perf_counter() - began)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(self.budget.slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        ordered = sorted(times)
        return {
            "threads": self.budget.slots,
            "answers": len(times),
            "rate": round(len(times) / seconds, 2),
            "ms": {"p50": round(ordered[len(ordered) // 2] * 1e3, 1) if ordered else None},
        }


def main() -> None:
    """One result a line, for each line of the input."""
    loop = Loop()
    warm = False
    for line in sys.stdin:
        plan = json.loads(line)
        if not warm:
            loop.run(plan | {"seconds": 1.0})
            warm = True
        print(json.dumps(loop.run(plan)), flush=True)


if __name__ == "__main__":
    main()
