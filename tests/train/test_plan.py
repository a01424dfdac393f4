"""From the number of photos to a plan."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.contract import ModelContract
from liveseg.errors import UsageError, WeightsError
from liveseg.labels import PASCAL_VOC
from liveseg.models.registry import find_model
from liveseg.settings import about
from liveseg.settings.train import LearnSettings, TrainSettings
from liveseg.train.options import TrainOptions
from liveseg.train.plan import Pace, Plan, make_plan, within

LITE = find_model("lite").contract


def plan_for(photos, contract=LITE, *, on_gpu=False, fresh_backbone=False, **options):
    chosen = TrainOptions(**options)
    return make_plan(chosen, contract, photos, on_gpu=on_gpu, precision="float32", fresh_backbone=fresh_backbone)


@pytest.mark.parametrize(("photos", "steps"), [(8, 240), (50, 424), (1000, 1897), (10_000, 6000)])
def test_steps_grow_with_the_root_of_the_photos(photos, steps):
    assert plan_for(photos).steps == pytest.approx(steps, rel=0.06)


def test_pieces_fit_the_model_and_the_device():
    lite, other = plan_for(100), plan_for(100, find_model("lraspp").contract)
    assert (lite.crop, lite.base, lite.batch) == (289, 321, 16)
    assert (other.crop, other.base, other.batch) == (480, 520, 8)
    assert plan_for(100, on_gpu=True).batch == 32


def test_what_is_asked_for_is_done():
    plan = plan_for(
        100, crop=150, batch=5, accumulate=3, lr=0.01, ema=0.5, patience=3, freeze="backbone", seed=7, devices=2
    )
    assert plan.crop == 161, "the nearest that the model's size rule allows"
    assert (plan.pieces, plan.lr, plan.ema, plan.patience) == (30, 0.01, 0.5, 3)
    assert (plan.freeze, plan.seed, plan.devices) == ("backbone", 7, 2)


@given(photos=st.integers(1, 20_000), epochs=st.integers(1, 300), batch=st.integers(2, 64))
def test_epochs_are_what_was_asked_for_as_near_as_whole_rounds_allow(photos, epochs, batch):
    plan = plan_for(photos, epochs=epochs, batch=batch)
    wanted = math.ceil(epochs * photos / batch)
    assert 1 <= plan.rounds <= 41
    assert plan.rounds >= min(wanted, 9)
    assert abs(plan.steps - wanted) <= plan.interval
    assert plan.steps == plan.interval * plan.rounds
    assert plan.epoch(plan.steps) == plan.epochs
    assert 0 <= plan.ema < 1
    assert plan.warmup < plan.steps


@pytest.mark.parametrize(("photos", "frozen"), [(50, "early"), (500, "statistics"), (5000, "none")])
def test_few_photos_leave_more_of_the_backbone_alone(photos, frozen):
    assert plan_for(photos).freeze == frozen
    assert plan_for(photos, fresh_backbone=True).freeze == "none", "what has learned nothing is never frozen"


def test_a_budget_is_kept_with_a_small_share_for_validation():
    options = TrainOptions(minutes=10)
    pace = Pace(step=0.5, validation=6.0)
    plan = within(plan_for(200, minutes=10), options, pace)
    spent = plan.steps * pace.step + plan.rounds * pace.validation
    assert 540 <= spent <= 630
    assert plan.rounds * pace.validation <= 0.16 * 600


def test_a_budget_of_nothing_still_trains_a_step():
    plan = within(plan_for(10, minutes=0.01), TrainOptions(minutes=0.01), Pace(step=5.0, validation=60.0))
    assert (plan.steps, plan.rounds) == (1, 1)


def test_without_a_budget_the_pace_changes_nothing():
    plan = plan_for(200)
    assert within(plan, TrainOptions(), Pace(1.0, 1.0)) == plan


def test_a_plan_survives_a_checkpoint():
    plan = plan_for(77)
    assert Plan.from_json(plan.to_json()) == plan
    with pytest.raises(WeightsError, match="no plan of a training"):
        Plan.from_json({"photos": 3})
    with pytest.raises(WeightsError, match="no plan of a training"):
        Plan.from_json(None)


def test_a_model_of_any_size_rule_gets_pieces_that_it_takes():
    contract = ModelContract("own", PASCAL_VOC, multiple=24, offset=5, default_size=101)
    plan = plan_for(10, contract)
    assert contract.fit(plan.crop) == plan.crop


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 3, "minutes": 2}, "--epochs and --minutes"),
        ({"batch": 1}, "--batch is at least 2"),
        ({"schedule": "step"}, "--schedule is one of poly, cosine"),
        ({"teacher_weight": -1}, "weight is at least 0"),
        ({"temperature": 0}, "temperature is above 0"),
        ({"mosaic": 1.5}, "from 0 to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TrainOptions(**options)


def test_options_are_those_of_the_command():
    options = TrainOptions.of(TrainSettings(epochs=7, model="lraspp", seed=3), temperature=2.0)
    assert (options.epochs, options.seed, options.temperature) == (7, 3, 2.0)
    assert {own.name for own, _ in about(LearnSettings)} <= {own.name for own, _ in about(TrainSettings)}
    with pytest.raises(UsageError, match="--resume goes on"):
        TrainSettings(resume=True, overwrite=True)
