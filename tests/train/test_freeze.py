"""What of a backbone stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from liveseg.models.build import build
from liveseg.train.freeze import early_layers, freeze


@pytest.mark.parametrize(
    ("model", "last", "next_one"),
    [
        ("lite", "blocks.2.0.bn1", "blocks.2.0.conv_dw"),
        ("lraspp", "4.block.0.1", "4.block.1.0"),
        ("deeplabv3", "4.block.0.1", "4.block.1.0"),
        ("fcn_resnet50", "layer2.0.bn1", "layer2.0.conv2"),
    ],
)
def test_the_early_layers_are_those_up_to_stride_four(model, last, next_one):
    backbone = build(model, 3).backbone
    named = {module: name for name, module in backbone.named_modules()}
    early = [named[layer] for layer in early_layers(backbone)]
    assert last in early
    assert next_one not in early
    assert not backbone.training
    assert not any(module._forward_hooks for module in backbone.modules()), "the probe is taken away again"


def test_early_freezing_leaves_the_rest_to_learn():
    network = build("lite", 3)
    fixed = freeze(network, "early")
    stuck = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    assert "backbone.conv_stem.weight" in stuck
    assert all(name.startswith("backbone.") for name in stuck)
    assert "backbone.blocks.3.0.conv_pw.weight" not in stuck
    assert all(isinstance(module, nn.BatchNorm2d) for module in fixed)
    assert len(fixed) == sum(isinstance(module, nn.BatchNorm2d) for module in network.backbone.modules())


def test_statistics_stay_while_weights_learn():
    network = build("lite", 3)
    fixed = freeze(network, "statistics")
    network.train()
    for module in fixed:
        module.eval()
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    network.low_logits(torch.randn(2, 3, 33, 33)).square().mean().backward()
    moved = {name for name, buffer in network.named_buffers() if not torch.equal(buffer, before[name])}
    assert moved
    assert all(name.startswith("classifier.") for name in moved)
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_whole_backbone_may_be_frozen_or_nothing():
    network = build("lite", 3)
    assert freeze(network, "none") == ()
    assert all(parameter.requires_grad for parameter in network.parameters())
    freeze(network, "backbone")
    learns = {name.partition(".")[0] for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert learns == {"classifier"}
