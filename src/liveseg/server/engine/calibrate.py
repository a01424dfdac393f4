"""Whether pictures are segmented faster together than one by one: known on CPUs, measured on other devices.

On a CPU a batch gains nothing: as many pictures at once as there are threads, one thread each, keep all of them busy,
and a batch leaves the caches sooner. Processor milliseconds a picture of `lite` at 385x289, for batches of 1, 2, 4 and
8, on two cores with AVX-512 and bfloat16 (`benchmarks/batching.py`, `benchmarks/results/batching.json`):

| runtime | side by side, one thread each | one call with two threads |
|---|---|---|
| ONNX Runtime float32 | 21.7, 23.0, 25.2, 25.8 | 23.2, 25.9, 28.4, 31.5 |
| ONNX Runtime int8 | 8.7, 9.2, 10.6, 11.2 | 8.9, 10.2, 11.7, 13.9 |
| OpenVINO float32 | 20.3, 22.3, 23.4, 25.5 | 23.8, 23.8, 24.2, 24.6 |
| OpenVINO bfloat16 | 11.1, 11.2, 11.8, 13.6 | 11.4, 11.9, 12.8, 12.3 |
| OpenVINO int8 | 8.1, 8.2, 8.0, 8.5 | 9.9, 9.6, 8.7, 8.7 |

A graphics processor, which one picture leaves idle, is another matter; there it is tried out, in about a second.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.segmenter import Segmenter

MOST = 8
"""Pictures in a batch. More make each other wait longer, and gain little more where these do not."""

_SECONDS = 1.0
"""What measuring may take; a network that is too slow for that keeps the device busy by itself."""

_ROUNDS = 3
_GAIN = 1.1
"""A batch is taken only where it is so many times as fast, in every round: noise is not to decide."""


def best_batch(segmenter: Segmenter, width: int, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """How many pictures to take together, for the most pictures a second; 1 where a batch is not clearly faster.

    Args:
        segmenter: of the size that most pictures will have; it has run before.
        width: how many calls of the network run at the same time.
        clock: gives seconds.
    """
    if segmenter.device == "cpu":
        return 1
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    if segmenter.batched(*picture.shape[:2]) is None:
        return 1
    with ThreadPoolExecutor(width, thread_name_prefix="liveseg-calibrate") as pool:

        def seconds(batch: int) -> float:
            calls = width * MOST // batch
            began = clock()
            for _ in pool.map(lambda _: segmenter.infer_many([picture] * batch), range(calls)):
                pass
            return clock() - began

        began = clock()
        segmenter.infer_many([picture])
        # One round of all sizes, and two of the best and of singles.
        if (clock() - began) * MOST * (4 + 2 * (_ROUNDS - 1)) > _SECONDS:
            return 1
        alone = seconds(1)
        taken = {batch: seconds(batch) for batch in (2, 4, MOST)}
        best = min(taken, key=taken.__getitem__)
        if alone < taken[best] * _GAIN:
            return 1
        gains = (seconds(1) / seconds(best) for _ in range(_ROUNDS - 1))
        return best if all(gain >= _GAIN for gain in gains) else 1
