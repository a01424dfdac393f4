"""From the number of photos to how a network is trained: the rules behind the options that nobody gave.

With `n` photos, `b` pieces to a step (all devices and accumulated batches together):

| what | rule |
|---|---|
| steps | `60 sqrt(n)`, at least 240: 424 for 50 photos, 1,900 for 1,000, 6,000 for 10,000 |
| piece | nine tenths of the model's size, to a multiple of 32 (and the model's size rule) |
| batch | 16 pieces of up to 320 pixels, 8 of larger ones; twice that on a GPU; at least 2 |
| learning rate | `1e-4 sqrt(b / 16)`; layers that have learned nothing yet forty times that, ten where all are new |
| warm-up | a twentieth of the steps, at most 200 |
| average of weights | over the last twentieth of the steps: decay `1 - 20 / steps`, from 0.9 to 0.9995 |
| validations | after each pass over the photos, or several; 10 to 40 in all |
| patience | half of all validations, but 10 at least |
| frozen | below 100 photos the early layers and the backbone's batch-norm statistics, below 1,000 those statistics |
| classes | pixels of rare ones count more, see `balance` |

Steps grow with the root of the photos, because pieces of few photos are alike: five times as many photos do not need
five times as many steps. Batch-norm statistics of few photos are worse than those that the backbone brings.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from liveseg.errors import WeightsError

if TYPE_CHECKING:
    from liveseg.contract import ModelContract
    from liveseg.settings.train import Schedule
    from liveseg.train.options import TrainOptions

_STEPS = 60.0
_FEWEST_STEPS = 240
_SMALL_PIECE = 320
_LR = 1e-4
"""Low, so that the backbone keeps what it knows; with 240 photos four times as much cost 14 points of mIoU."""

_LR_BATCH = 16
_FEWEST_VALIDATIONS, _MOST_VALIDATIONS = 10, 40
_FEWEST_BETWEEN = 5
"""Steps from one validation to the next, at least: it takes as long as some of them."""

_LEAST_PATIENCE = 10
_VALIDATING = 0.15
"""The share of a budget of minutes that validation may take."""

Frozen = Literal["none", "statistics", "early", "backbone"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one run trains, with nothing left open; kept in its checkpoints, so that a resumed run does the same.

    Args:
        photos: how many pieces are one pass over the set: a photo that comes more often counts more often.
        crop: height and width of a piece, in pixels.
        base: the shorter side that photos have at scale 1, in pixels.
        batch: pieces to a batch on each device.
        devices: how many share the work.
        accumulate: batches to a step.
        interval: steps from one validation to the next.
        rounds: validations in all.
        lr: the highest learning rate.
        warmup: steps until it is reached.
        schedule: how it falls.
        ema: decay of the average of the weights; 0 for none.
        patience: validations without a better one before training ends; 0 for never.
        freeze: what of the backbone stays as it is.
        precision: the arithmetic of the forward and the backward pass.
        seed: decides every random choice.
    """

    photos: int
    crop: int
    base: int
    batch: int
    devices: int
    accumulate: int
    interval: int
    rounds: int
    lr: float
    warmup: int
    schedule: Schedule
    ema: float
    patience: int
    freeze: Frozen
    precision: Literal["float32", "bfloat16", "float16"]
    seed: int

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.interval * self.rounds

    @property
    def pieces(self) -> int:
        """Pieces to a step."""
        return self.batch * self.devices * self.accumulate

    def epoch(self, step: int) -> int:
        """How many passes over the photos `step` steps are, to the nearest; 1 at least."""
        return max(round(step * self.pieces / self.photos), 1)

    @property
    def epochs(self) -> int:
        """Passes over the photos in the whole training."""
        return self.epoch(self.steps)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Plan:
        """The plan from JSON data.

        Raises:
            WeightsError: data of another form.
        """
        try:
            return cls(**{own.name: data[own.name] for own in fields(cls)})
        except (KeyError, TypeError) as error:
            raise WeightsError(f"the checkpoint holds no plan of a training: {error!r}; train anew") from error


@dataclass(frozen=True)
class Pace:
    """What this machine needs.

    Args:
        step: seconds of a step.
        validation: seconds of a validation.
    """

    step: float
    validation: float


def make_plan(
    options: TrainOptions,
    contract: ModelContract,
    photos: int,
    *,
    on_gpu: bool,
    precision: Literal["float32", "bfloat16", "float16"],
    fresh_backbone: bool,
) -> Plan:
    """The plan of a training; with `options.minutes` its length is only a guess until `within` knows the pace.

    Args:
        options: what was asked for.
        contract: of the model; its default size is the size that the model will see.
        photos: how many pieces are one pass.
        on_gpu: whether it trains on a GPU.
        precision: what was chosen.
        fresh_backbone: whether the backbone has learned nothing yet, so that it cannot be frozen.
    """
    crop = options.crop or _crop(contract)
    crop = contract.fit(crop)
    batch = options.batch or (16 if crop <= _SMALL_PIECE else 8) * (2 if on_gpu else 1)
    pieces = batch * options.devices * options.accumulate
    if options.epochs is None:
        steps = max(round(_STEPS * math.sqrt(photos)), _FEWEST_STEPS)
    else:
        steps = max(math.ceil(options.epochs * photos / pieces), 1)
    freeze: Frozen = options.freeze if options.freeze != "auto" else _freeze(photos, fresh_backbone)
    plan = Plan(
        photos=photos,
        crop=crop,
        base=contract.default_size,
        batch=batch,
        devices=options.devices,
        accumulate=options.accumulate,
        interval=1,
        rounds=1,
        lr=options.lr or _LR * math.sqrt(pieces / _LR_BATCH),
        warmup=0,
        schedule=options.schedule,
        ema=0.0,
        patience=0,
        freeze=freeze,
        precision=precision,
        seed=options.seed,
    )
    return _paced(plan, options, steps, _MOST_VALIDATIONS)


def within(plan: Plan, options: TrainOptions, pace: Pace) -> Plan:
    """The same plan for a budget of `options.minutes`."""
    if options.minutes is None:
        return plan
    seconds = options.minutes * 60
    rounds = math.floor(_VALIDATING * seconds / max(pace.validation, 1e-9))
    rounds = min(max(rounds, 1), _MOST_VALIDATIONS)
    steps = math.floor((seconds - rounds * pace.validation) / max(pace.step, 1e-9))
    return _paced(plan, options, max(steps, rounds), rounds)


def _paced(plan: Plan, options: TrainOptions, steps: int, most: int) -> Plan:
    """The plan for about so many steps, with a validation after each pass or each few, at most so many."""
    a_pass = plan.photos / plan.pieces
    passes = max(math.ceil(steps / a_pass / most), 1)
    rarest = max(steps // min(_FEWEST_VALIDATIONS, most), 1)
    interval = min(max(round(passes * a_pass), math.ceil(steps / most), _FEWEST_BETWEEN), rarest)
    rounds = max(round(steps / interval), 1)
    steps = interval * rounds
    ema = min(max(1 - 20 / steps, 0.9), 0.9995) if options.ema is None else options.ema
    patience = max(math.ceil(rounds / 2), _LEAST_PATIENCE) if options.patience is None else options.patience
    settled = {"interval": interval, "rounds": rounds, "warmup": min(steps // 20, 200), "ema": ema}
    return Plan.from_json(plan.to_json() | settled | {"patience": patience})


def _crop(contract: ModelContract) -> int:
    return max(round(0.9 * contract.default_size / 32), 2) * 32


def _freeze(photos: int, fresh_backbone: bool) -> Frozen:
    if fresh_backbone:
        return "none"
    return "early" if photos < 100 else "statistics" if photos < 1000 else "none"
