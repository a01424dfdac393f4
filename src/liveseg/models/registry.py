"""The models by name: what each is, what it costs, what it reaches and how it is fed; free of PyTorch."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from liveseg.contract import ModelContract
from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""The mean of ImageNet's photographs, R, G and B in [0, 1]: subtracted from every network's input."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviation, by which the difference is divided."""


@dataclass(frozen=True)
class ModelInfo:
    """One model of the registry.

    Args:
        name: what the user calls it.
        network: its title.
        banner: what the tutorial's programs print after `USING`.
        parameters: their number in the network that runs, for 21 classes; torchvision's published counts
            include an auxiliary head that is only used in training and never built here.
        gmacs: multiply-adds of its convolutions for one image of `gmacs_size`, in units of 1e9; again without
            the auxiliary head.
        gmacs_size: the height and width, in pixels, that `gmacs` was counted at.
        published_miou: per cent on COCO val2017 with the labels of Pascal VOC, where its authors say it.
        measured_miou: per cent on 69 photos of COCO train2017 with the labels of Pascal VOC that it was not trained on,
            measured by us.
        contract: how it is fed and read.
        builder: `module:function` of the function that makes the network for a number of classes.
        classifier_key: the name of the tensor whose first dimension is the number of classes.
        quality: by the shorter side of the input in pixels, rising, per cent of mIoU; empty where it was not measured
            by size. `weights/bundled/README.md` says how it was.
    """

    name: str
    network: str
    banner: str
    parameters: int
    gmacs: float
    gmacs_size: tuple[int, int]
    published_miou: float | None
    measured_miou: float | None
    contract: ModelContract
    builder: str
    classifier_key: str
    quality: tuple[tuple[int, float], ...] = ()


_ALL = (
    ModelInfo(
        name="lraspp",
        network="Lite R-ASPP, MobileNetV3-Large",
        banner="LITE R-ASPP WITH MOBILENETV3 BACKBONE",
        parameters=3_221_538,
        gmacs=2.086,
        gmacs_size=(520, 520),
        published_miou=57.9,
        measured_miou=None,
        contract=ModelContract("lraspp", PASCAL_VOC),
        builder="liveseg.models.lraspp:lraspp_mobilenet_v3_large",
        classifier_key="classifier.low_classifier.weight",
    ),
    ModelInfo(
        name="deeplabv3",
        network="DeepLabV3, MobileNetV3-Large",
        banner="DEEPLABV3 WITH MOBILENETV3 BACKBONE",
        parameters=11_025_477,
        gmacs=10.436,
        gmacs_size=(520, 520),
        published_miou=60.3,
        measured_miou=None,
        contract=ModelContract("deeplabv3", PASCAL_VOC),
        builder="liveseg.models.deeplabv3:deeplabv3_mobilenet_v3_large",
        classifier_key="classifier.4.weight",
    ),
    ModelInfo(
        name="deeplabv3_resnet50",
        network="DeepLabV3, ResNet-50",
        banner="DEEPLABV3 WITH RESNET50 BACKBONE",
        parameters=39_638_869,
        gmacs=168.731,
        gmacs_size=(520, 520),
        published_miou=66.4,
        measured_miou=None,
        contract=ModelContract("deeplabv3_resnet50", PASCAL_VOC),
        builder="liveseg.models.deeplabv3:deeplabv3_resnet50",
        classifier_key="classifier.4.weight",
    ),
    ModelInfo(
        name="fcn_resnet50",
        network="FCN, ResNet-50",
        banner="FCN WITH RESNET50 BACKBONE",
        parameters=32_957_013,
        gmacs=142.726,
        gmacs_size=(520, 520),
        published_miou=60.5,
        measured_miou=None,
        contract=ModelContract("fcn_resnet50", PASCAL_VOC),
        builder="liveseg.models.fcn:fcn_resnet50",
        classifier_key="classifier.4.weight",
    ),
    ModelInfo(
        name="lite",
        network="feature pyramid, EfficientNet-Lite0",
        banner="FEATURE PYRAMID WITH EFFICIENTNET-LITE0 BACKBONE",
        parameters=3_016_309,
        gmacs=1.083,
        gmacs_size=(321, 417),
        published_miou=None,
        measured_miou=38.0,
        contract=ModelContract("lite", PASCAL_VOC, multiple=32, offset=1, align_corners=True, default_size=321),
        builder="liveseg.models.pyramid:pyramid_efficientnet_lite0",
        classifier_key="classifier.classify.weight",
        quality=(
            (129, 29.2),
            (161, 31.6),
            (193, 37.0),
            (225, 37.0),
            (257, 37.0),
            (289, 37.5),
            (321, 38.0),
            (385, 39.2),
        ),
    ),
)

MODELS: Mapping[str, ModelInfo] = MappingProxyType({info.name: info for info in _ALL})
"""Every model by its name."""


def find_model(name: str) -> ModelInfo:
    """The model of that name.

    Raises:
        UsageError: no such model; the message names those there are, the nearest first.
    """
    if name in MODELS:
        return MODELS[name]
    near = difflib.get_close_matches(name.lower(), MODELS, n=len(MODELS), cutoff=0.6)
    others = [known for known in MODELS if known not in near]
    raise UsageError(f"no such model {name!r}; choose one of {', '.join([*near, *others])}")
