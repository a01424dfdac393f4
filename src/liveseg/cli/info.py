"""`liveseg info`: what is in a file: masks, a video, an image, a model."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli.console import out
from liveseg.cli.facts import Facts, in_bytes
from liveseg.errors import SourceNotFoundError
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from fractions import Fraction

    from liveseg.contract import ModelContract
    from liveseg.maskfile.summary import Summary

_MODELS = frozenset((".onnx", ".xml", ".pt2", ".pth", ".pt", ".safetensors"))

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A mask file, a video, an image, a model or the folder of its training run, or what `run` made: a table,"
        " an archive, polygons.",
    ),
]


def info(file: File, json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Show what is in a mask file: classes, times, what it was made from; or in a video, an image, a model.

    The tables, archives and documents that `run` makes are told, too.
    """
    facts = describe(file)
    if json:
        typer.echo(json_module.dumps({"file": str(file), **facts.record}, indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("what", "value", box=None, show_header=False, pad_edge=False)
    for name, value in {"file": str(file), **facts.rows}.items():
        table.add_row(f"[bold]{name}[/bold]", escape(value))
    out.print(table)
    if facts.classes:
        present = Table("class", "index", "share", "masks", box=None, pad_edge=False)
        for own in facts.classes:
            share = f"{own.share:.2%}" if own.share >= 0.00005 else "<0.01%"
            present.add_row(escape(own.name), str(own.index), share, str(own.frames))
        out.print()
        out.print(present)


def describe(path: Path) -> Facts:
    """What is in a file, told by its content; models, tables, archives and documents by their extensions.

    Raises:
        SourceNotFoundError: no such file.
        LivesegError: nothing that liveseg reads.
    """
    if not path.exists():
        raise SourceNotFoundError(f"no such file: {path}")
    if path.is_dir() and (path / "config.json").is_file():
        path = weights_file(path)
    if path.suffix.lower() in _MODELS and path.is_file():
        return _model(path)
    from liveseg.cli.info_data import EXTENSIONS, describe_data
    from liveseg.maskfile.picture import is_mask_picture
    from liveseg.maskfile.reader import is_mask_file
    from liveseg.media.paths import kind_of

    if path.suffix.lower() in EXTENSIONS and path.is_file():
        return describe_data(path)
    if is_mask_file(path):
        return _mask_file(path)
    if is_mask_picture(path):
        return _mask_picture(path)
    return _image(path) if kind_of(path) == "image" else _video(path)


def _mask_file(path: Path) -> Facts:
    from liveseg.maskfile.reader import MaskReader
    from liveseg.maskfile.summary import summary

    with MaskReader(path) as masks:
        found, header = summary(masks), masks.header
        complete, notes = masks.complete, masks.notes
    source, ran, size = header.source, dict(header.ran), path.stat().st_size
    each = size / found.frames if found.frames else None
    record = {
        "kind": "masks of a video",
        "complete": complete,
        "width": header.width,
        "height": header.height,
        "frames": found.frames,
        "start": _seconds(found.start),
        "end": _seconds(found.end),
        "timestamps": "constant" if found.steady else "variable",
        "frames_per_second": _seconds(found.rate),
        "time_base": str(header.time_base),
        "confidence": header.confidence,
        "bytes": size,
        "bytes_a_frame": None if each is None else round(each, 1),
        "source": {**asdict(source), "duration": _seconds(header.duration)},
        "ran": ran,
        "classes": [asdict(own) for own in found.classes],
        "notes": notes,
    }
    rows = {
        "kind": "masks of a video" + (" and their confidences" if header.confidence else ""),
        "state": "whole" if complete else "incomplete: its writer was stopped; all that is there can be used",
        "source": _source(source.name, source.bytes, source.sha256),
        "made by": _ran(ran),
        "size": f"{header.width}x{header.height}, {len(header.labels)} classes",
        "frames": _frames(found, header.duration),
        "times": f"{record['timestamps']}, in units of {header.time_base} s",
        "bytes": in_bytes(size) + ("" if each is None else f", {each:,.0f} a frame"),
    }
    for number, note in enumerate(notes):
        rows["note" if number == 0 else ""] = note
    return Facts(record, rows, found.classes)


def _mask_picture(path: Path) -> Facts:
    import numpy as np

    from liveseg.maskfile.picture import read_mask_picture
    from liveseg.maskfile.summary import presences

    stored, labels = read_mask_picture(path)
    counts = np.bincount(stored.mask.reshape(-1), minlength=256)
    classes = presences(counts, np.sign(counts), labels)
    height, width = stored.mask.shape
    record = {
        "kind": "mask of an image",
        "width": width,
        "height": height,
        "bytes": path.stat().st_size,
        "classes": [asdict(own) for own in classes],
    }
    rows = {
        "kind": "mask of an image",
        "size": f"{width}x{height}, {len(labels)} classes",
        "bytes": in_bytes(path.stat().st_size),
    }
    return Facts(record, rows, classes)


def _image(path: Path) -> Facts:
    from liveseg.media.images import ImageSource

    with ImageSource(path) as source:
        width, height, form = source.info.width, source.info.height, source.format
    size = path.stat().st_size
    record = {"kind": "image", "format": form, "width": width, "height": height, "bytes": size}
    return Facts(record, {"kind": f"image, {form}", "size": f"{width}x{height}", "bytes": in_bytes(size)})


def _video(path: Path) -> Facts:
    from liveseg.media.video_open import open_video
    from liveseg.media.video_source import VideoSource

    container, stream = open_video(path)
    with container:
        form, codec = container.format.name, stream.codec_context.name
        sound = [track.codec_context.name for track in container.streams.audio if track.codec_context is not None]
    with VideoSource(path) as source:
        own, notes = source.info, list(source.notes)
    size = path.stat().st_size
    record = {
        "kind": "video",
        "format": form,
        "codec": codec,
        "sound": sound,
        "width": own.width,
        "height": own.height,
        "frames": own.frame_count,
        "duration": _seconds(own.duration),
        "frames_per_second": _seconds(own.rate),
        "time_base": str(own.time_base),
        "bytes": size,
        "notes": notes,
    }
    known = [
        f"about {own.frame_count}" if own.frame_count is not None else "",
        f"{float(own.duration):.2f} s" if own.duration is not None else "",
        f"{_short(own.rate)} a second" if own.rate else "",
    ]
    rows = {
        "kind": f"video, {codec} in {form}",
        "size": f"{own.width}x{own.height}",
        "frames": ", ".join(filter(None, known)) or "unknown",
        "sound": ", ".join(sound) or "none",
        "bytes": in_bytes(size),
    }
    if notes:
        rows["note"] = "; ".join(notes)
    return Facts(record, rows)


def _model(path: Path) -> Facts:
    contract, runs = _contract(path)
    size = path.stat().st_size
    weights = path.with_suffix(".bin")
    if path.suffix.lower() == ".xml" and weights.is_file():
        size += weights.stat().st_size
    record = {
        "kind": "model",
        "name": contract.name,
        "bytes": size,
        "runs": runs,
        "contract": json_module.loads(contract.to_json()),
    }
    rule = f"k x {contract.multiple} + {contract.offset}" if contract.multiple > 1 else "any"
    fixed = "" if contract.fixed_size is None else "{1}x{0} only".format(*contract.fixed_size)
    rows = {
        "kind": "model" + (", int8" if contract.quantized else ""),
        "name": contract.name,
        "input": fixed or f"sides of {rule} pixels, best at {contract.default_size} on the shorter side",
        "classes": f"{len(contract.labels)}: {', '.join(contract.labels.names)}",
        "runs on": runs,
        "bytes": in_bytes(size),
    }
    return Facts(record, rows)


def _contract(path: Path) -> tuple[ModelContract, str]:
    """What a model file says of itself, and what runs it; a program is loaded for that, bare weights are only read."""
    if path.suffix.lower() in (".pth", ".pt", ".safetensors"):
        from liveseg.runtimes.load import Own
        from liveseg.weights.sidecar import contract_of

        return contract_of(path) or Own(path, None).contract, "PyTorch, or any runtime after an export"
    from liveseg.segmenter import Segmenter

    segmenter = Segmenter(weights=path)
    return segmenter.contract, f"{segmenter.runtime} on {segmenter.device} in {segmenter.precision}"


def _source(name: str, size: int | None, digest: str | None) -> str:
    if size is None or digest is None:
        return f"{name}, no file"
    return f"{name}, {in_bytes(size)}, sha256 of its ends {digest[:16]}…"


def _ran(ran: dict[str, str | int]) -> str:
    if not ran:
        return "unknown"
    size = f" at {ran['size']}" if "size" in ran else ""
    runtime = f" by {ran['runtime']}" if "runtime" in ran else ""
    return f"{ran.get('model', 'unknown')}{size}{runtime}" + (f" in {ran['precision']}" if "precision" in ran else "")


def _frames(found: Summary, whole: Fraction | None) -> str:
    if found.start is None or found.end is None:
        return "none"
    rate = "" if found.rate is None else f", {_short(found.rate)} a second"
    of = "" if whole is None else f" of {float(whole):.2f} s"
    return f"{found.frames}, from {float(found.start):.2f} to {float(found.end):.2f}{of or ' s'}{rate}"


def _short(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _seconds(number: Fraction | None) -> float | None:
    return None if number is None else round(float(number), 6)
