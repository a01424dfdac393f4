"""The network as Lightning trains it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from liveseg.labels import LabelSet, voc_palette
from liveseg.train.data import Batch
from liveseg.train.module import Trainee
from liveseg.train.options import TrainOptions
from liveseg.train.plan import make_plan
from liveseg.train.start import make_start

LABELS = LabelSet(("background", "disc"), voc_palette(2))


def trainee_of(model="lite", begin="none", weights=(1, 1), **options):
    start = make_start(model, LABELS, begin=begin)
    fresh = any(name.startswith("backbone.") for name in start.fresh)
    chosen = TrainOptions(**options)
    plan = make_plan(chosen, start.contract, 500, on_gpu=False, precision="float32", fresh_backbone=fresh)
    return Trainee(start, plan, chosen, None, np.array(weights, np.float32), 1).train()


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (2, 32, 32), dtype=np.uint8)
    teacher = rng.normal(0, 3, (2, 2, 2, 2)).astype(np.float32)
    known = np.ones((2, 2, 2), np.float32)
    return Batch(*map(torch.from_numpy, (image, mask, teacher, known)))


def test_dropout_depends_on_the_step_and_on_nothing_that_would_have_to_be_kept(batch):
    trainee = trainee_of("deeplabv3", accumulate=2)
    losses = []
    for seed, number in ((1, 0), (2, 0), (2, 2), (2, 1)):
        torch.manual_seed(seed)
        losses.append(trainee.training_step(batch, number).item())
    # Batch norms in training mode use the batch, so that what they learn meanwhile changes no loss.
    assert losses[0] == losses[1]
    assert losses[0] == losses[2], "the second step's first batch, were the first step done"
    assert losses[0] != losses[3]
    assert trainee.loss_count == 4
    assert float(trainee.loss_sum) == pytest.approx(sum(losses), rel=1e-5)


def test_the_teacher_counts_as_much_as_it_is_said(batch):
    alone, taught, more = (
        trainee_of("deeplabv3", teacher_weight=weight).eval().loss_of(batch).item() for weight in (0, 1, 3)
    )
    assert taught > alone
    assert more - alone == pytest.approx(3 * (taught - alone), rel=1e-3)


def test_classes_count_as_much_as_they_weigh(batch):
    def loss(weights, batch):
        trainee = trainee_of(begin="auto", weights=weights, teacher_weight=0).eval()
        trainee.model.network.classifier.classify.bias.data[0] += 1
        return trainee.loss_of(batch).item()

    only = batch._replace(mask=torch.where(batch.mask == 1, 255, batch.mask))
    assert loss((1, 0), batch) == pytest.approx(loss((1, 1), only), rel=1e-5)
    assert loss((1, 0), batch) != pytest.approx(loss((1, 1), batch), rel=0.1)


def test_new_layers_learn_faster_and_biases_do_not_decay():
    trainee = trainee_of(begin="auto", lr=1e-3, freeze="early")
    optimizer = trainee.configure_optimizers()
    groups = {(group["highest"], group["weight_decay"]): len(group["params"]) for group in optimizer.param_groups}
    assert groups.keys() == {(1e-3, 0.0), (1e-3, 0.01), (4e-2, 0.0), (4e-2, 0.01)}
    assert groups[4e-2, 0.01] == groups[4e-2, 0.0] == 1, "the classifier's weights and biases"
    every = sum(groups.values())
    assert every == sum(parameter.requires_grad for parameter in trainee.model.parameters())
    assert every < len(list(trainee.model.parameters())), "what is frozen is left out"


def test_where_all_is_new_nothing_learns_forty_times_as_fast():
    groups = trainee_of(begin="none", lr=1e-3).configure_optimizers().param_groups
    assert {group["highest"] for group in groups} == {1e-2}


def test_what_is_frozen_stays_in_evaluation_mode():
    trainee = trainee_of(begin="auto", freeze="statistics")
    backbone, head = trainee.model.network.backbone, trainee.model.network.classifier
    assert not backbone.bn1.training
    assert head.high[1].training
    assert not any(module.training for module in trainee.average.modules())
    trainee.eval().train()
    assert not backbone.bn1.training


def test_the_rate_follows_the_schedule():
    trainee = trainee_of(lr=0.01, epochs=100)
    assert trainee.plan.warmup > 1
    assert trainee.rate == pytest.approx(0.01 / (trainee.plan.warmup + 1))
