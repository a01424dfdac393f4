"""Photos of discs, squares and triangles, and a training on them; as a program, a training that may be killed.

    shapes.py DATA OUT OPTIONS [--kill-at STEP] [--often SECONDS]

OPTIONS are those of `TrainOptions` and of `train`, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

import cv2
import numpy as np

NAMES = ("background", "disc", "square", "triangle")
COLOURS = ((220, 40, 40), (40, 200, 60), (50, 70, 230))


def draw(number: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo `(side, side, 3)` `uint8` RGB with one shape of each class, and its mask."""
    rng = np.random.default_rng(number)
    noise = rng.integers(60, 200, (max(side // 16, 2), max(side // 16, 2), 3), dtype=np.uint8)
    photo = cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((side, side), np.uint8)
    # Each in a quarter of its own, so that none hides another.
    for index, quarter in enumerate(rng.permutation(4)[:3], start=1):
        radius = int(rng.integers(side // 6, side // 5))
        x = int(quarter % 2 * side // 2 + side // 4 + rng.integers(-side // 32, side // 32 + 1))
        y = int(quarter // 2 * side // 2 + side // 4 + rng.integers(-side // 32, side // 32 + 1))
        own = np.zeros_like(mask)
        if index == 1:
            cv2.circle(own, (x, y), radius, 1, -1)
        elif index == 2:
            cv2.rectangle(own, (x - radius, y - radius), (x + radius, y + radius), 1, -1)
        else:
            points = [[x, y - radius], [x - radius, y + radius], [x + radius, y + radius]]
            cv2.fillPoly(own, [np.array(points)], 1)
        photo[own > 0] = COLOURS[index - 1]
        mask[own > 0] = index
    return photo, mask


def write_set(folder: Path, count: int, side: int) -> Path:
    """A data set of the plainest layout."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photo, mask = draw(number, side)
        cv2.imwrite(str(folder / "images" / f"{number:02d}.png"), photo[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{number:02d}.png"), mask)
    (folder / "labels.json").write_text(json.dumps({"names": NAMES}), encoding="utf-8")
    return folder


def train(data: Path, out: Path, *, model: str = "lite", begin: str = "auto", held_out: int = 0, **options):
    """Train on all photos but the first `held_out`, which are measured on; on all, where that is 0.

    By one thread, as sums come out the same, bit for bit, for the same number of threads only.
    """
    import torch

    from liveseg.datasets import open_dataset
    from liveseg.train.fit import fit
    from liveseg.train.options import TrainOptions
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import make_start

    photos = open_dataset(data)
    torch.set_num_threads(1)
    start = make_start(model, photos.labels, begin=begin, default_size=options.get("crop"))
    chosen = TrainOptions(**{"device": "cpu", **options})
    validation = photos.limit(held_out) if held_out else photos
    folder = RunFolder(out)
    return fit(start, photos.samples[held_out:], validation, chosen, folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("options", type=json.loads)
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--often", type=float)
    given = parser.parse_args()
    if given.often is not None:
        from liveseg.train import checkpoints

        checkpoints._OFTEN = given.often
    if given.kill_at is not None:
        from liveseg.train.module import Trainee

        whole = Trainee.training_step

        def step(self, batch, batch_idx):
            if self.global_step == given.kill_at:
                # Windows has no SIGKILL; there this ends a process just as suddenly.
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            return whole(self, batch, batch_idx)

        Trainee.training_step = step
    fitted = train(given.data, given.out, **given.options)
    print(json.dumps({"miou": fitted.miou, "steps": fitted.steps}))


if __name__ == "__main__":
    main()
