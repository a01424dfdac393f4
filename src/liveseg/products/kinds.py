"""Which files the kinds of things to save become, by the extensions of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.maskfile.writer import EXTENSION
from liveseg.media.alpha_video import ALPHA_EXTENSIONS, GREY_EXTENSIONS
from liveseg.media.encoding import CONTAINERS
from liveseg.media.images import WRITTEN_EXTENSIONS
from liveseg.media.outputs import OVERLAY, Wanted, plan_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liveseg.media.paths import Kind, Named
    from liveseg.settings.save import Save

_EXTENSIONS: dict[str, dict[Kind, dict[str, tuple[str, ...]]]] = {
    "color": {
        "image": {"": (".png", *(one for one in WRITTEN_EXTENSIONS if one != ".png"))},
        "video": {"": tuple(CONTAINERS)},
    },
    "mask": {"image": {"": (".png",)}, "video": {"": (EXTENSION,)}},
    "confidence": {"image": {"": (".png",)}, "video": {"": GREY_EXTENSIONS}},
    "cutout": {"image": {"": (".png",)}, "video": {one[1:]: (one,) for one in ALPHA_EXTENSIONS}},
    "polygons": {
        "image": {"geojson": (".geojson",), "coco": (".json",)},
        "video": {"geojson": (".geojsonl",), "coco": (".json",)},
    },
    "coco": {"image": {"": (".json",)}, "video": {"": (".json",)}},
    "areas": {
        "image": {"csv": (".csv",), "jsonl": (".jsonl",)},
        "video": {"csv": (".csv",), "jsonl": (".jsonl",)},
    },
    "npz": {"image": {"": (".npz",)}, "video": {"": (".npz",)}},
}
"""By kind, source and format the extensions of the file, the default first; `""` is the only format."""


def wanted(save: Save) -> Wanted:
    """What a kind's files may be called; a format that only videos have leaves images as they are."""
    if save.kind == "overlay":
        return OVERLAY
    return Wanted(save.kind, {kind: _of(forms, save.format) for kind, forms in _EXTENSIONS[save.kind].items()})


def _of(forms: dict[str, tuple[str, ...]], form: str | None) -> tuple[str, ...]:
    return forms[form] if form in forms else tuple(one for extensions in forms.values() for one in extensions)


def plan(
    sources: Sequence[Named], saves: Sequence[Save], output: str | None, model: str, *, kinds: Sequence[Kind]
) -> list[tuple[Path, ...]]:
    """Where everything that is saved of each source goes, in the order of `saves`; see `plan_outputs`.

    Raises:
        UsageError: as `plan_outputs`.
    """
    return plan_outputs(sources, output, model, kinds=kinds, wanted=[wanted(save) for save in saves])
