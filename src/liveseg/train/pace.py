"""How long a step and a validation take on this machine, measured before a training of so many minutes."""

from __future__ import annotations

import copy
import time
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING

import torch

from liveseg.train.data import Batch, Loader
from liveseg.train.plan import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.datasets import Sample
    from liveseg.train.data import Pieces
    from liveseg.train.module import Trainee
    from liveseg.train.validation import Validation

_BATCHES = 6
_PHOTOS = 6
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def measure(
    trainee: Trainee, pieces: Pieces, validation: Validation, samples: Sequence[Sample], device: str, workers: int
) -> Pace:
    """Train a copy for a few batches, and measure it on a few photos.

    Args:
        trainee: is left as it is.
        pieces: what it is fed with; they are made meanwhile, as in earnest.
        validation: of a round.
        samples: what it measures on.
        device: where.
        workers: threads that make the pieces.
    """
    plan = trainee.plan
    batches = Loader(pieces, plan, workers=workers, rank=0, done=lambda: 0, most=_BATCHES + 1)
    spent: list[float] = []
    learner = copy.deepcopy(trainee).to(device).train()
    optimizer = learner.configure_optimizers()
    dtype = _DTYPES.get(plan.precision)
    began = time.perf_counter()
    for batch in islice(batches, _BATCHES + 1):
        there = Batch._make(None if part is None else part.to(device) for part in batch)
        with torch.autocast(device, dtype) if dtype else nullcontext():
            loss = learner.loss_of(there)
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it so
        optimizer.step()
        optimizer.zero_grad()
        float(loss.detach())  # waits for the device
        spent.append(time.perf_counter() - began)
        began = time.perf_counter()
    # The first batch waits for the first photos, and PyTorch prepares itself in it.
    step = sum(spent[1:]) / max(len(spent) - 1, 1) * plan.accumulate
    seconds = 0.0
    if len(validation):
        few = samples[:_PHOTOS]
        began = time.perf_counter()
        validation.confusion(learner, few)
        seconds = (time.perf_counter() - began) / len(few) * len(validation) / plan.devices
    return Pace(step, seconds)
