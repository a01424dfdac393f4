"""Soft edges against known ones: how far mattes and new backgrounds are from the truth, and what they cost.

    python benchmarks/matting.py [--rounds 50] > benchmarks/results/matting.json

A foreground with soft edges and hair, taken from one photograph of scikit-image, is put before another one: so its true
alpha and colours are known. What a network would answer is made from the true alpha: averaged over the cells of a grid
of 37 x 49, its border shifted by up to half a cell, with noise. Each way to cut is then measured in the band around the
true border. SAD is the sum of the errors of alpha, in thousands of pixels; MSE their mean square, in thousandths; rim
the mean error of the colours, in levels of 255, where the foreground stands before green. Times are milliseconds of
processor time of one thread at 768 x 576, medians over the rounds. It prints one JSON record.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.labels import PASCAL_VOC
from liveseg.postprocess import upsampled, upsampled_argmax
from liveseg.render.background import Replacer, composed
from liveseg.render.matte import decontaminated, extracted, foreground_alpha
from liveseg.segmentation import Segmentation
from liveseg.settings.background import Blur, Color

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]

PERSON = PASCAL_VOC.index("person")
GRID = (37, 49)
HEIGHT, WIDTH = 576, 768
GREEN = (0, 200, 60)
PAIRS = (
    ("chelsea.png", "coffee.png"),
    ("astronaut.png", "chelsea.png"),
    ("coffee.png", "astronaut.png"),
    ("rocket.jpg", "coffee.png"),
    ("hubble_deep_field.jpg", "chelsea.png"),
    ("ihc.png", "rocket.jpg"),
)
"""What stands before what."""


@dataclass(frozen=True, eq=False)
class Composite:
    """A picture whose foreground is known.

    Args:
        image: `(H, W, 3)` `uint8` RGB.
        colours: the foreground's own colours, likewise.
        alpha: the true one, `(H, W)` `float32` in [0, 1].
        logits: what a network might answer, `(21, 37, 49)` `float32`, corners aligned.
        mask: made from that, `(H, W)` `uint8` class indices.
    """

    image: Pixels
    colours: Pixels
    alpha: Floats
    logits: Floats
    mask: Pixels

    @property
    def hard(self) -> Pixels:
        """The mask's foreground, cut out as it is."""
        return np.where(self.mask == PERSON, np.uint8(255), np.uint8(0))

    @property
    def segmentation(self) -> Segmentation:
        """The same as a network's result."""
        return Segmentation(self.image, self.mask, PASCAL_VOC, self.logits, align_corners=True)


def composites(photos: Path, count: int = len(PAIRS)) -> Iterator[Composite]:
    """Pictures with a known foreground, always the same.

    Args:
        photos: the folder of scikit-image's pictures.
        count: how many of them.
    """
    for seed, (front, behind) in enumerate(PAIRS[:count]):
        colours, background = _photo(photos / front), _photo(photos / behind)[:, ::-1]
        alpha = _figure(seed)
        image = np.rint(alpha[..., None] * colours + (1 - alpha[..., None]) * background).astype(np.uint8)
        logits = _answer(alpha, seed)
        yield Composite(image, colours, alpha, logits, upsampled_argmax(logits, HEIGHT, WIDTH, align_corners=True))


@dataclass(frozen=True)
class Errors:
    """How far a cut is from the truth, as the module's docstring has it."""

    sad: float
    mse: float
    rim: float


def errors(truth: Composite, alpha: Pixels, colours: Pixels) -> Errors:
    """Measure a cut in the band around the true border, 16 pixels to each side."""
    soft = ((truth.alpha > 0.01) & (truth.alpha < 0.99)).astype(np.uint8)
    band = cv2.dilate(soft, np.ones((33, 33), np.uint8)) == 1
    wrong = (alpha / np.float32(255) - truth.alpha)[band]
    green = np.full_like(truth.image, GREEN)
    wanted = truth.alpha[..., None] * truth.colours + (1 - truth.alpha[..., None]) * green
    rim = np.abs(composed(colours, alpha, green) - wanted)[band]
    return Errors(float(np.abs(wrong).sum() / 1e3), float((wrong**2).mean() * 1e3), float(rim.mean()))


def feathered(truth: Composite, sigma: float) -> Pixels:
    """The mask's foreground, blurred."""
    return np.asarray(cv2.GaussianBlur(truth.hard, (0, 0), sigma), np.uint8)


def probable(truth: Composite) -> Pixels:
    """The network's own probability of the foreground."""
    full = upsampled(truth.logits, HEIGHT, WIDTH, align_corners=True)
    odds = np.exp(full - full.max(axis=0))
    return np.rint(255 * odds[PERSON] / odds.sum(axis=0)).astype(np.uint8)


def matted(truth: Composite) -> Pixels:
    """liveseg's matte."""
    return foreground_alpha(truth.image, truth.mask, (PERSON,), GRID)


WAYS: dict[str, Callable[[Composite], tuple[Pixels, Pixels]]] = {
    "hard mask": lambda truth: (truth.hard, truth.image),
    "feathered by 2 pixels": lambda truth: (feathered(truth, 2), truth.image),
    "feathered by 4 pixels": lambda truth: (feathered(truth, 4), truth.image),
    "the network's probabilities": lambda truth: (probable(truth), truth.image),
    "liveseg, colours as they are": lambda truth: (matted(truth), truth.image),
    "liveseg": lambda truth: (matted(truth), decontaminated(truth.image, matted(truth), GRID)),
}
"""Ways to cut: each gives alpha and the colours that go with it."""


def measured(photos: Path, count: int = len(PAIRS)) -> dict[str, Errors]:
    """The errors of each way, averaged over the composites."""
    found: dict[str, list[Errors]] = {name: [] for name in WAYS}
    for truth in composites(photos, count):
        for name, way in WAYS.items():
            found[name].append(errors(truth, *way(truth)))
    return {
        name: Errors(*(statistics.mean(getattr(one, key) for one in own) for key in ("sad", "mse", "rim")))
        for name, own in found.items()
    }


def costs(truth: Composite, rounds: int) -> dict[str, float]:
    """Milliseconds of each step, in turn, so that all of them see the same machine."""
    found = truth.segmentation
    alpha = matted(truth)
    green, blur = Replacer(Color(GREEN), (PERSON,)), Replacer(Blur(), (PERSON,))
    steps: dict[str, Callable[[], object]] = {
        "alpha": lambda: matted(truth),
        "colours": lambda: decontaminated(truth.image, alpha, GRID),
        "alpha and colours": lambda: extracted(truth.image, truth.mask, (PERSON,), GRID),
        "a new background": lambda: green(found),
        "a blurred background": lambda: blur(found),
    }
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            began = time.thread_time()
            step()
            spent[name].append((time.thread_time() - began) * 1e3)
    return {name: round(statistics.median(own[1:]), 2) for name, own in spent.items()}


def _photo(path: Path) -> Pixels:
    """A photograph, large enough to fill the frame, its upper left part."""
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    scale = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (int(np.ceil(image.shape[1] * scale)), int(np.ceil(image.shape[0] * scale)))
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=way)[:HEIGHT, :WIDTH])


def _figure(seed: int) -> Floats:
    """The alpha of something like a person: head with hair, shoulders, an arm; in and out of focus."""
    rng = np.random.default_rng(seed)
    tall, wide = 2 * HEIGHT, 2 * WIDTH
    middle = wide * rng.uniform(0.35, 0.65)
    body = np.zeros((tall, wide), np.uint8)
    shoulders = (int(tall * rng.uniform(0.32, 0.42)), int(tall * rng.uniform(0.36, 0.46)))
    head, axes = (int(middle), int(tall * 0.36)), (int(tall * 0.13), int(tall * 0.17))
    cv2.ellipse(body, (int(middle), int(tall * 1.02)), shoulders, 0, 0, 360, 255, -1)
    cv2.ellipse(body, (int(middle), int(tall * 0.55)), (int(tall * 0.09), int(tall * 0.15)), 0, 0, 360, 255, -1)
    cv2.ellipse(body, head, axes, 0, 0, 360, 255, -1)
    hand = (int(middle + tall * rng.uniform(0.35, 0.5)), int(tall * rng.uniform(0.3, 0.5)))
    cv2.line(body, (int(middle + tall * 0.3), int(tall * 0.85)), hand, 255, int(tall * 0.07))
    shift = [_wave(rng, (HEIGHT // 24, WIDTH // 24), (tall, wide)) * (tall * 0.008) for _ in range(2)]
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    body = cv2.remap(body, x + shift[0], y + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    solid = body.astype(np.float32) / 255
    in_focus = np.clip(0.7 - _wave(rng, (5, 6), (tall, wide)) * 0.6, 0, 1)
    solid = cv2.GaussianBlur(solid, (0, 0), 2.4) * in_focus + cv2.GaussianBlur(solid, (0, 0), 6) * (1 - in_focus)
    hair = cv2.GaussianBlur(_hair(rng, head, axes).astype(np.float32) / 255, (0, 0), 0.8)
    whole = 1 - (1 - solid) * (1 - hair)
    return np.asarray(cv2.resize(whole, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.float32)


def _hair(rng: np.random.Generator, head: tuple[int, int], axes: tuple[int, int]) -> Pixels:
    tall, wide = 2 * HEIGHT, 2 * WIDTH
    hair = np.zeros((tall, wide), np.uint8)
    for _ in range(int(rng.integers(150, 260))):
        angle = rng.uniform(np.pi, 2 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle)])
        points = [np.array(head) + way * axes * 0.95]
        length = tall * rng.uniform(0.01, 0.045)
        for _ in range(6):
            way = way + rng.normal(0, 0.25, 2)
            way /= np.linalg.norm(way)
            points.append(points[-1] + way * length / 6)
        strand = np.array(np.rint(np.array(points) * 8), np.int32)
        cv2.polylines(hair, [strand], False, int(rng.integers(120, 255)), 1, cv2.LINE_AA, 3)
    return hair


def _answer(alpha: Floats, seed: int) -> Floats:
    """Logits that err as a network's do: as coarse as its grid, with a border that is off, and noise."""
    rng = np.random.default_rng(seed + 99)
    cell = ((HEIGHT - 1) / (GRID[0] - 1), (WIDTH - 1) / (GRID[1] - 1))
    averaged = cv2.GaussianBlur(alpha, (0, 0), 0.7 * cell[0])
    y, x = np.mgrid[: GRID[0], : GRID[1]].astype(np.float32)
    off = [_wave(rng, (GRID[0] // 3, GRID[1] // 3), GRID) * 0.25 for _ in range(2)]
    share = cv2.remap(
        averaged, (x + off[0]) * cell[1], (y + off[1]) * cell[0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    noise = cv2.GaussianBlur(rng.standard_normal(GRID).astype(np.float32), (0, 0), 1) * 0.6
    logits = np.full((len(PASCAL_VOC), *GRID), -6, np.float32)
    logits[0] = 0
    logits[PERSON] = 6 * (2 * share - 1) + noise
    return logits


def _wave(rng: np.random.Generator, knots: tuple[int, int], size: tuple[int, int]) -> Floats:
    knot = rng.standard_normal(knots).astype(np.float32)
    return np.asarray(cv2.resize(knot, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def main() -> None:
    from liveseg.bench.record import surroundings, write_record

    parser = argparse.ArgumentParser(description="Measure mattes against known ones.")
    parser.add_argument("--rounds", type=int, default=50, help="of the timings")
    rounds = parser.parse_args().rounds
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        sys.exit("needs the pictures of scikit-image: pip install scikit-image")
    photos = Path(spec.origin).parent / "data"
    cv2.setNumThreads(1)
    found = measured(photos)
    record = {
        "command": f"python benchmarks/matting.py --rounds {rounds}",
        **surroundings(),
        "errors": {name: {key: round(value, 3) for key, value in vars(own).items()} for name, own in found.items()},
        "milliseconds": costs(next(composites(photos)), rounds),
    }
    write_record(record)


if __name__ == "__main__":
    main()
