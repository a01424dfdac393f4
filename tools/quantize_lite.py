"""Make the bundled model's int8 file from its float one, through the same quantiser and gate as any other model.

    python tools/quantize_lite.py IMAGES [MASKS]

IMAGES are the 343 photos of COCO that `recipes/lite` learns from. One in three of those that training saw is calibrated
on; compared are those that it did not see (`recipes/lite/held.json`). The same photos and versions give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from liveseg.cli.photos import Photos, photos_in
from liveseg.runtimes.convert import Wish, convert
from liveseg.runtimes.original import Original
from liveseg.weights.integrity import sha256

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "src" / "liveseg" / "weights" / "bundled" / "lite.int8.onnx"
HELD = ROOT / "recipes" / "lite" / "held.json"


def main(arguments: list[str]) -> None:
    photos = photos_in(Path(arguments[0]))
    masks = Path(arguments[1]) if len(arguments) > 1 else None
    held = set(json.loads(HELD.read_text(encoding="utf-8"))["coco"])
    calibration = [photo for photo in photos if photo.stem not in held][::3]
    unseen = [photo for photo in photos if photo.stem in held]
    made = convert(
        Original("lite", None),
        Wish(TARGET, "onnx", int8=True, overwrite=True),
        Photos(unseen, masks),
        calibration=Photos(calibration),
    )
    print(json.dumps({**made.to_json(), "sha256": sha256(TARGET)}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
