from __future__ import annotations

import sys

import pytest
import torch

from liveseg.errors import MissingExtraError, UsageError
from liveseg.models.build import build
from liveseg.models.registry import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_network_has_as_many_classes_as_asked_for(name, meta_network):
    for classes in (1, 2, 150):
        x = torch.empty(1, 3, 33, 49, device="meta")
        assert meta_network(name, classes)(x)["out"].shape == (1, classes, 33, 49)


def test_a_new_network_is_in_evaluation_mode_and_sees_its_input():
    torch.manual_seed(0)
    network = build("lraspp", num_classes=3)
    assert not any(module.training for module in network.modules())
    with torch.inference_mode():
        dark, light = (
            network.low_logits(torch.zeros(1, 3, 64, 64)),
            network.low_logits(torch.ones(1, 3, 64, 64)),
        )
    assert (dark - light).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["lraspp", "deeplabv3", "lite"])
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    network = build(name, num_classes=2).train()
    network(torch.randn(2, 3, 65, 65))["out"].square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


@pytest.mark.parametrize("classes", [0, -1, 256])
def test_a_number_of_classes_that_no_mask_holds_is_refused(classes):
    with pytest.raises(UsageError, match=f"1 to 255 classes, not {classes}"):
        build("lite", num_classes=classes)


def test_an_unknown_model_is_refused_by_name():
    with pytest.raises(UsageError, match="no such model 'unet'"):
        build("unet")


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError) as caught:
        build("lite")
    assert str(caught.value) == "building 'lite' needs PyTorch: pip install 'liveseg[torch]'"
