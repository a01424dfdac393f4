"""The program `segment_image.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.tutorial import program

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(given: Sequence[str] | None = None) -> int:
    """Segment an image, write `outputs/<stem>_<model>.jpg`, and show it until a key is pressed."""
    return program.run(_work, program.arguments("an image", given))


def _work(options: argparse.Namespace) -> None:
    from liveseg.media.images import read_image, write_image

    notes: list[str] = []
    image = read_image(options.input, notes)
    segmenter = program.load(options)
    for note in notes:
        program.say(f"Note: {note}")
    result = program.picture(segmenter.segment(image))
    # Written before it is shown, so that a window left open keeps nothing back.
    written = write_image(program.output_path(options, ".jpg"), result, overwrite=True)
    program.say(f"Result: {written}")
    with program.window("Segmented image") as shown:
        if shown is not None:
            shown.show(result)
            shown.wait_key()
