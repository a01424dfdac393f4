"""Make the bundled model's int8 file from its float one, through the same quantiser and gate as any other model.

    python tools/quantize_lite.py IMAGES [MASKS]

One photo in three is calibrated on, the others are compared on. The same photos and versions give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from liveseg.cli.photos import Photos, photos_in
from liveseg.runtimes.convert import Wish, convert
from liveseg.runtimes.original import Original
from liveseg.weights.integrity import sha256

TARGET = Path(__file__).parent.parent / "src" / "liveseg" / "weights" / "bundled" / "lite.int8.onnx"


def main(arguments: list[str]) -> None:
    photos = photos_in(Path(arguments[0]))
    masks = Path(arguments[1]) if len(arguments) > 1 else None
    calibration = photos[::3]
    rest = [photo for photo in photos if photo not in calibration]
    made = convert(
        Original("lite", None),
        Wish(TARGET, "onnx", int8=True, overwrite=True),
        Photos(rest, masks),
        calibration=Photos(calibration),
    )
    print(json.dumps({**made.to_json(), "sha256": sha256(TARGET)}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
