"""Measure tiles: what they find, whether they show, and how much memory a large picture takes.

    python benchmarks/tiling.py IMAGES MASKS [--model lite] [--mosaics 8]

The folders are those of `measure_miou.py`. Twenty photos side by side, each at the model's own size, make a large
picture of small things; it is segmented shrunk, in one piece, and in tiles of several sizes and overlaps. `seams` is
how much the probabilities change from one position of the output to the next in the middle of overlaps, where the
weights of two tiles cross, as a multiple of how much they change there in one piece: 1 is no seam. `scales` is the mIoU
of single photos, in tiles, at so many times the model's own size.

    python benchmarks/tiling.py --memory PICTURE

repeats a picture until it has 100 megapixels and runs `liveseg run` on it in processes of their own; `peak_mib` is the
most memory that each had.

Each way prints one JSON record.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from liveseg import Segmenter, tiling
from liveseg.bench.record import surroundings, write_record
from liveseg.evaluate.counts import count
from liveseg.evaluate.tally import Tally

PHOTOS, COLUMNS = 20, 5
SIDES, OVERLAPS = (289, 385, 513, 641), (0.125, 0.25, 0.5)
SCALES = (1, 1.5, 2, 3, 4)


def photo(images: Path, mask: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(Image.open(images / f"{mask.stem}.jpg").convert("RGB")), np.asarray(Image.open(mask))


def mosaic(images: Path, masks: list[Path], cell: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Photos and their masks side by side, each scaled and cut to a cell."""
    cells = []
    for mask in masks:
        rgb, truth = photo(images, mask)
        scale = max(cell[0] / rgb.shape[0], cell[1] / rgb.shape[1])
        size = max(round(rgb.shape[1] * scale), cell[1]), max(round(rgb.shape[0] * scale), cell[0])
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        truth = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST)
        top, left = (size[1] - cell[0]) // 2, (size[0] - cell[1]) // 2
        part = slice(top, top + cell[0]), slice(left, left + cell[1])
        cells.append((rgb[part], truth[part]))
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    whole = [np.vstack([np.hstack([one[index] for one in row]) for row in rows]) for index in (0, 1)]
    return whole[0], whole[1]


def steps(logits: np.ndarray, cut: tiling.Cut) -> float:
    """How much neighbours differ where two tiles weigh the same, relative to all neighbours."""
    odds = tiling.probabilities(logits)
    ratios = []
    for axis, starts, side, length in ((1, cut.tops, cut.tile[0], cut.height), (2, cut.lefts, cut.tile[1], cut.width)):
        change = np.abs(np.diff(odds, axis=axis)).sum(axis=0).mean(axis=2 - axis)
        for before, after in pairwise(starts):
            middle = (before + after + side) * len(change) // (2 * length)
            ratios.append(change[middle - 1 : middle + 1].mean() / change.mean())
    return float(np.mean(ratios))


def measured(segmenter: Segmenter, mosaics: list[tuple[np.ndarray, np.ndarray]]) -> tuple[dict[str, float], list]:
    """The score over the mosaics, and the logits of each."""
    classes, logits = len(segmenter.labels), []
    tally = Tally(classes, replicates=1)
    for rgb, truth in mosaics:
        found = segmenter(rgb)
        tally.add(count("", truth, found.mask, classes, edges=False))
        logits.append(found.logits)
    right = round(100 * float(np.diag(tally.confusion).sum() / tally.pixels), 2)
    return {"miou": round(100 * tally.miou, 2), "pixels_right": right}, logits


def quality(options: argparse.Namespace) -> dict[str, object]:
    plain = Segmenter(options.model, tile="off")
    own = plain.size
    masks = sorted(options.masks.glob("*.png"))
    order = np.random.default_rng(1).permutation(len(masks))
    chosen = [masks[number] for number in order[: PHOTOS * options.mosaics]]
    cell = own, round(own * 4 / 3)
    mosaics = [mosaic(options.images, chosen[i : i + PHOTOS], cell) for i in range(0, len(chosen), PHOTOS)]
    found = {"shrunk": measured(plain, mosaics)[0]}
    found["in_one_piece"], pieces = measured(Segmenter(options.model, size="native", tile="off"), mosaics)
    overlap = tiling.OVERLAP
    for side in SIDES:
        for tiling.OVERLAP in OVERLAPS:
            cut = tiling.cut(*mosaics[0][0].shape[:2], "native", side, plain.contract)
            result, logits = measured(Segmenter(options.model, tile=side), mosaics)
            ratio = np.mean([steps(one, cut) for one in logits]) / np.mean([steps(one, cut) for one in pieces])
            found[f"tiles_{side}_overlap_{tiling.OVERLAP}"] = result | {"seams": round(float(ratio), 3)}
    tiling.OVERLAP = overlap
    scales = {}
    for scale in SCALES:
        segmenter = Segmenter(options.model, tile="on", size=round(own * scale))
        tally = Tally(len(segmenter.labels), replicates=1)
        for mask in masks[::4]:
            rgb, truth = photo(options.images, mask)
            tally.add(count("", truth, segmenter(rgb).mask, len(segmenter.labels), edges=False))
        scales[str(scale)] = round(100 * tally.miou, 2)
    pixels = f"{mosaics[0][0].shape[1]}x{mosaics[0][0].shape[0]}"
    return {"model": plain.model, "mosaics": len(mosaics), "pixels": pixels, "found": found, "scales": scales}


def memory(picture: Path, model: str) -> dict[str, object]:
    """The peak of memory of whole runs, in MiB, by what is read and written."""
    rgb = np.asarray(Image.open(picture).convert("RGB"))
    copies = -(-10_000 // rgb.shape[0]), -(-10_000 // rgb.shape[1]), 1
    large = Image.fromarray(np.tile(rgb, copies)[:10_000, :10_000])
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for source, extra in (("large.jpg", {}), ("large.png", {}), ("progressive.jpg", {"progressive": True})):
            large.save(Path(folder) / source, **extra)
            for save in ("mask", "overlay"):
                command = [sys.executable, "-m", "liveseg", "run", source, "--model", model, "--size", "native"]
                command += ["--save", save, "-o", f"{save}/", "--overwrite", "--quiet"]
                peaks[f"{source} {save}"] = peak_mib(command, folder)
    return {"model": model, "pixels": "10000x10000", "peak_mib": peaks}


def peak_mib(command: list[str], folder: str) -> int:
    """The most memory that a process had. A process of its own asks, since it is told the most of all its children."""
    ask = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    ask += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", ask, *command], cwd=folder, check=True, capture_output=True, text=True)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(int(done.stdout.split()[-1]) / unit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="?")
    parser.add_argument("masks", type=Path, nargs="?")
    parser.add_argument("--memory", type=Path, metavar="PICTURE")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--mosaics", type=int, default=8)
    options = parser.parse_args()
    if options.masks is None and options.memory is None:
        parser.error("name two folders, IMAGES and MASKS, or a picture by --memory")
    what = f"--memory {options.memory.name}" if options.memory else f"IMAGES MASKS --mosaics {options.mosaics}"
    record = {
        "command": f"python benchmarks/tiling.py {what} --model {options.model}",
        **surroundings(),
        **(memory(options.memory, options.model) if options.memory else quality(options)),
    }
    write_record(record)


if __name__ == "__main__":
    main()
