"""The published weights that liveseg can fetch: where each file lies, and how to know the right one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from liveseg.errors import UsageError

PUBLISHER = "https://download.pytorch.org/models"
"""Torchvision's own download site."""


@dataclass(frozen=True)
class WeightsFile:
    """One published checkpoint.

    Args:
        name: the model's name.
        url: where it is published.
        filename: its name in the cache.
        sha256_prefix: the first hexadecimal digits of its SHA-256: all 64 where they are known, otherwise
            those that its file name states.
        size: its length in bytes, `None` where unknown.
        classes: how many classes the network tells apart, the background among them.
        published_miou: its publisher's mIoU in percent on COCO val2017 with the labels of Pascal VOC.
    """

    name: str
    url: str
    filename: str
    sha256_prefix: str
    size: int | None
    classes: int
    published_miou: float | None


def _torchvision(name: str, filename: str, sha256_prefix: str, size: int | None, miou: float) -> WeightsFile:
    return WeightsFile(name, f"{PUBLISHER}/{filename}", filename, sha256_prefix, size, 21, miou)


# The scores are those of torchvision's documentation of each weights enum (COCO_WITH_VOC_LABELS_V1).
CATALOGUE: dict[str, WeightsFile] = {
    entry.name: entry
    for entry in (
        _torchvision(
            "lraspp",
            "lraspp_mobilenet_v3_large-d234d4ea.pth",
            "d234d4eae9d55d5f76de18b77cf0dc62c66fe5c5482758209d00f950c92bb280",
            13_097_061,
            57.9,
        ),
        _torchvision(
            "deeplabv3",
            "deeplabv3_mobilenet_v3_large-fc3c493d.pth",
            "fc3c493d68e89cc31ef488c803d5d7dd2f3190fb570598faa49fef69be8e5e70",
            44_356_159,
            60.3,
        ),
        _torchvision("deeplabv3_resnet50", "deeplabv3_resnet50_coco-cd0a2569.pth", "cd0a2569", None, 66.4),
        _torchvision("fcn_resnet50", "fcn_resnet50_coco-1167a1af.pth", "1167a1af", None, 60.5),
    )
}
"""Every file that `liveseg pull` can fetch, by the model's name."""


def find_weights(name: str) -> WeightsFile:
    """The catalogue's entry of a model.

    Raises:
        UsageError: no such entry; the message offers the nearest names, or all of them.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if name == "lite":
        raise UsageError("the weights of 'lite' are part of liveseg, there is nothing to fetch")
    near = difflib.get_close_matches(name.lower(), CATALOGUE, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(CATALOGUE)}"
    raise UsageError(f"no published weights named {name!r}; {hint}")
