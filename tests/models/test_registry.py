from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from liveseg.errors import UsageError
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD, MODELS, find_model

# Parameters and GMACs at 520x520, as torchvision 0.29 publishes them with each set of weights.
PUBLISHED = {
    "lraspp": ("lraspp_mobilenet_v3_large", 3_221_538, 2.086),
    "deeplabv3": ("deeplabv3_mobilenet_v3_large", 11_029_328, 10.452),
    "deeplabv3_resnet50": ("deeplabv3_resnet50", 42_004_074, 178.722),
    "fcn_resnet50": ("fcn_resnet50", 35_322_218, 152.717),
}


def count_gmacs(network: nn.Module, size: tuple[int, int]) -> float:
    total = 0

    def add(module: nn.Conv2d, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    network.low_logits(torch.empty(1, 3, *size, device="meta"))
    return total / 1e9


@pytest.mark.parametrize("name", MODELS)
def test_the_recorded_cost_is_the_counted_one(name, meta_network):
    info, network = MODELS[name], meta_network(name)
    assert info.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert info.gmacs == pytest.approx(count_gmacs(network, info.gmacs_size), abs=5e-4)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_auxiliary_head_makes_up_the_difference_to_what_torchvision_publishes(name, golden_shapes):
    golden, parameters, gmacs = PUBLISHED[name]
    auxiliary = {
        key: shape
        for key, shape in golden_shapes(golden).items()
        if key.startswith("aux_classifier.") and "running" not in key and "tracked" not in key
    }
    sizes = {key: torch.Size(shape).numel() for key, shape in auxiliary.items()}
    assert MODELS[name].parameters + sum(sizes.values()) == parameters
    stride8 = (520 // 8) ** 2
    convolutions = sum(size for key, size in sizes.items() if len(auxiliary[key]) == 4)
    assert MODELS[name].gmacs + stride8 * convolutions / 1e9 == pytest.approx(gmacs, abs=1.5e-3)


@pytest.mark.parametrize("name", MODELS)
def test_a_record_is_of_one_piece(name, meta_network):
    info = MODELS[name]
    network = meta_network(name)
    assert info.name == info.contract.name == name
    assert network.state_dict()[info.classifier_key].shape[0] == len(info.contract.labels) == 21
    assert network.align_corners == info.contract.align_corners
    assert info.contract.fit(info.contract.default_size) == info.contract.default_size
    head, backbone = info.banner.split(" WITH ")
    assert head == info.network.split(", ")[0].upper()
    assert backbone.removesuffix(" BACKBONE").replace("-", "") in info.network.upper().replace("-", "")


def test_the_banners_are_the_tutorials():
    assert MODELS["deeplabv3"].banner == "DEEPLABV3 WITH MOBILENETV3 BACKBONE"
    assert MODELS["lraspp"].banner == "LITE R-ASPP WITH MOBILENETV3 BACKBONE"
    assert MODELS["lite"].banner == "FEATURE PYRAMID WITH EFFICIENTNET-LITE0 BACKBONE"


def test_lite_takes_32k_plus_1_pixels_and_aligns_corners():
    contract = find_model("lite").contract
    assert (contract.multiple, contract.offset, contract.align_corners) == (32, 1, True)
    assert contract.fit(380) == 385


def test_the_normalisation_is_imagenets():
    assert IMAGENET_MEAN == (0.485, 0.456, 0.406)
    assert IMAGENET_STD == (0.229, 0.224, 0.225)


@pytest.mark.parametrize(("wrong", "nearest"), [("lrasp", "lraspp"), ("LITE", "lite"), ("deeplab_v3", "deeplabv3")])
def test_an_unknown_name_offers_the_nearest_first_and_all(wrong, nearest):
    with pytest.raises(UsageError) as caught:
        find_model(wrong)
    message = str(caught.value)
    assert message.startswith(f"no such model {wrong!r}; choose one of {nearest}, ")
    assert sorted(message.split("choose one of ")[1].split(", ")) == sorted(MODELS)


def test_the_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        MODELS["mine"] = MODELS["lite"]


def test_the_records_and_the_checkpoint_reader_are_imported_without_pytorch():
    code = (
        "import sys, liveseg.models.registry, liveseg.models.build, liveseg.models.checkpoint\n"
        "sys.exit('torch' in sys.modules or 'safetensors' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
