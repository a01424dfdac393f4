"""What is in the tables, archives and documents that `liveseg run --save`, `--areas` and `--then` write."""

from __future__ import annotations

import csv
import json
import zipfile
from collections import Counter, defaultdict
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.cli.facts import Facts, in_bytes
from liveseg.errors import LivesegError, MediaError
from liveseg.labels import LabelSet
from liveseg.maskfile.summary import Presence, presences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path


def describe_data(path: Path) -> Facts:
    """What is in a file whose extension is one of `EXTENSIONS`.

    Raises:
        MediaError: liveseg writes no such files, or it is damaged.
    """
    try:
        return EXTENSIONS[path.suffix.lower()](path)
    except LivesegError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, csv.Error, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{path} is damaged, or no file that liveseg writes: {reason}") from error


def _archive(path: Path) -> Facts:
    with np.load(path, allow_pickle=False) as arrays:
        if not {"classes", "palette", "background"} <= set(arrays.files):
            raise MediaError(
                f"{path} is no archive that liveseg writes; it holds {', '.join(arrays.files) or 'nothing'}"
            )
        palette = tuple((int(red), int(green), int(blue)) for red, green, blue in arrays["palette"])
        labels = LabelSet(tuple(map(str, arrays["classes"])), palette, bool(arrays["background"]))
        names = ["mask"] if "mask" in arrays else [f"mask_{frame:06}" for frame in arrays["frames"]]
        pixels, frames, shape = np.zeros(256, np.int64), np.zeros(256, np.int64), (0, 0)
        for name in names:
            mask = arrays[name]
            counts = np.bincount(mask.reshape(-1), minlength=256)
            pixels, frames, shape = pixels + counts, frames + (counts > 0), mask.shape
        times = (
            [Fraction(int(over), int(under)) for over, under in arrays["timestamps"]] if "mask" not in arrays else []
        )
        more = [name for name in ("confidence", "logits") if name in arrays]
    kind = "masks of a video" if "mask" not in arrays else "mask of an image"
    with_more = f" with {' and '.join(more)}" if more else ""
    return _facts(
        path,
        f"{kind}, NumPy archive",
        {"frames": len(names), "width": shape[1], "height": shape[0], "holds": more},
        {"size": f"{shape[1]}x{shape[0]}, {len(labels)} classes{with_more}"},
        presences(pixels, frames, labels),
        times=(float(times[0]), float(times[-1])) if times else None,
    )


def _table(path: Path) -> Facts:
    # Spreadsheets put a byte order mark before what they save.
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if not {"class", "class_index", "share", "frame"} <= set(table.fieldnames or ()):
            raise MediaError(
                f"{path} is no table of areas: its columns are {', '.join(table.fieldnames or ()) or 'none'}"
            )
        return _areas(path, table)


def _lines(path: Path) -> Facts:
    with path.open(encoding="utf-8") as file:
        records = map(json.loads, (line for line in file if line.endswith("\n")))
        first = next(records, None)
        every = _chained(first, records)
        if first is None or ("class" in first and "share" in first):
            return _areas(path, every)
        if first.get("type") == "Feature":
            return _polygons(path, every, {})
        if "rule" in first and "event" in first:
            return _events(path, every)
    raise MediaError(f"{path} is neither a table of areas nor events or polygons, which liveseg writes")


def _areas(path: Path, rows: Iterable[Mapping[str, Any]]) -> Facts:
    shares: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    sources: dict[str, Any] = {}
    zones: dict[str, None] = {}
    times: list[float] = []
    count = frames = 0
    for row in rows:
        count += 1
        source = str(row.get("source") or "")
        if row.get("zone"):
            zones[str(row["zone"])] = None
            continue
        if sources.get(source, ...) != row["frame"]:
            sources[source] = row["frame"]
            frames += 1
        shares[int(row["class_index"]), str(row["class"])].append(float(row["share"]))
        if row["timestamp"] not in (None, ""):
            time = float(row["timestamp"])
            times = [min(time, *times), max(time, *times)] if times else [time]
    classes = [Presence(index, name, sum(own) / frames, len(own)) for (index, name), own in shares.items()]
    named = [source for source in sources if source]
    return _facts(
        path,
        "table of areas",
        {"rows": count, "frames": frames, "sources": named, "zones": list(zones)},
        {"rows": f"{count:,}", **({"zones": ", ".join(zones)} if zones else {}), **_sources(named)},
        classes,
        times=(times[0], times[-1]) if times else None,
    )


def _events(path: Path, records: Iterable[Mapping[str, Any]]) -> Facts:
    rules: Counter[str] = Counter()
    sources: dict[str, None] = {}
    times = []
    for record in records:
        rules[str(record["rule"])] += 1
        sources[str(record["source"])] = None
        times.append(str(record["time"]))
    told = ", ".join(f"{name} {count}" for name, count in rules.items())
    return _facts(
        path,
        "events",
        {"events": len(times), "rules": dict(rules), "sources": list(sources), "first": times[0], "last": times[-1]},
        {"events": f"{len(times):,}: {told}", "told": f"from {times[0]} to {times[-1]}", **_sources(list(sources))},
    )


def _document(path: Path) -> Facts:
    document = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(document, dict):
        raise MediaError(f"{path} is no document that liveseg writes")
    if document.get("type") == "FeatureCollection":
        return _polygons(path, document["features"], document.get("image") or {})
    if not {"images", "annotations", "categories"} <= set(document):
        raise MediaError(f"{path} holds neither GeoJSON polygons nor COCO annotations")
    whole = sum(int(image["width"]) * int(image["height"]) for image in document["images"])
    names = {int(own["id"]): str(own["name"]) for own in document["categories"]}
    areas: Counter[int] = Counter()
    shown = defaultdict(set)
    for annotation in document["annotations"]:
        index = int(annotation["category_id"])
        areas[index] += annotation["area"]
        shown[index].add(annotation["image_id"])
    images, annotations = len(document["images"]), len(document["annotations"])
    return _facts(
        path,
        "COCO annotations",
        {"images": images, "annotations": annotations, "categories": len(names)},
        {"images": f"{images:,}", "annotations": f"{annotations:,} of {len(names)} categories"},
        [Presence(index, names[index], areas[index] / max(whole, 1), len(shown[index])) for index in areas],
    )


def _polygons(path: Path, features: Iterable[Mapping[str, Any]], image: Mapping[str, Any]) -> Facts:
    shares: Counter[tuple[int, str]] = Counter()
    shown = defaultdict(set)
    frames, count = set(), 0
    for feature in features:
        about = feature["properties"]
        own = int(about["class_index"]), str(about["class"])
        count += 1
        frames.add(about["frame"])
        shares[own] += about["share"]
        shown[own].add(about["frame"])
    size = {"width": image["width"], "height": image["height"]} if image else {}
    return _facts(
        path,
        "polygons, GeoJSON",
        {"polygons": count, "frames": len(frames), **size},
        {"polygons": f"{count:,}", **({"size": f"{size['width']}x{size['height']}"} if size else {})},
        [Presence(*own, share / len(frames), len(shown[own])) for own, share in shares.items()],
    )


EXTENSIONS: dict[str, Callable[[Path], Facts]] = {
    ".npz": _archive,
    ".csv": _table,
    ".jsonl": _lines,
    ".geojsonl": _lines,
    ".geojson": _document,
    ".json": _document,
}
"""What reads the files of each extension."""


def _facts(
    path: Path,
    kind: str,
    record: Mapping[str, Any],
    rows: Mapping[str, str],
    classes: Iterable[Presence] = (),
    times: tuple[float, float] | None = None,
) -> Facts:
    size = path.stat().st_size
    present = sorted(classes, key=lambda own: (-own.share, own.index))
    known = {"kind": kind, **record, "bytes": size}
    shown = {"kind": kind, **rows}
    if times is not None:
        known |= {"start": times[0], "end": times[1]}
        shown["times"] = f"{record['frames']:,} frames, from {times[0]:.2f} to {times[1]:.2f} s"
    if present:
        known["classes"] = [asdict(own) for own in present]
    return Facts(known, shown | {"bytes": in_bytes(size)}, present)


def _sources(names: list[str]) -> dict[str, str]:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return {"sources": ", ".join(names[:4]) + more} if names else {}


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rest
