"""Measure what is left of the masks of videos when one frame of 2, 3, … is segmented and the others reuse its mask.

    python benchmarks/reused_masks.py A.mp4 B.mp4 --model lite --sizes 257

For each clip and size it prints a JSON line: by `k`, the mIoU in per cent between every frame's own mask, which stands
for the truth, and the one that it gets where one frame of `k` is segmented.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from liveseg import Segmenter
from liveseg.evaluate.counts import count
from liveseg.evaluate.tally import Tally
from liveseg.media import open_source
from liveseg.media.frame import Selection

MOST = 4


def reused(segmenter: Segmenter, clip: Path, limit: int) -> dict[int, float]:
    with open_source(clip, Selection(limit=limit)) as source:
        masks = [segmenter(frame.image).mask for frame in source]
    classes, tally, shares = len(segmenter.labels), Tally(len(segmenter.labels), replicates=1), {}
    for lag in range(MOST):
        for number, (own, earlier) in enumerate(zip(masks[lag:], masks, strict=False)):
            tally.add(count(f"{lag}/{number}", own, earlier, classes, edges=False))
        shares[lag + 1] = round(100 * tally.miou, 2)
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=240, help="of each clip, at most")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--sizes", nargs="+", type=int, help="shorter sides; the model's own by default")
    options = parser.parse_args()
    for size in options.sizes or [None]:
        segmenter = Segmenter(options.model, size=size)
        told = {"model": segmenter.model, "size": segmenter.size, "runtime": segmenter.runtime}
        for clip in options.clips:
            shares = reused(segmenter, clip, options.frames)
            print(json.dumps(told | {"clip": clip.name, "one_frame_of": shares}), flush=True)


if __name__ == "__main__":
    main()
