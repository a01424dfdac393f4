"""`liveseg demo`: the bundled model on the samples that ship with liveseg."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from liveseg.cli.console import out
from liveseg.cli.run import finish, run_sources
from liveseg.errors import SourceNotFoundError
from liveseg.settings import RunSettings

WHAT_TO_LOOK_AT = """\
What to look at:
  image_1_lite.jpg   a cat, tinted dark red; the background is untouched
  image_2_lite.jpg   an astronaut, tinted rose
  video_1_lite.mp4   a camera over the astronaut's portrait, with sound; opens in any browser
  video_2_lite.mp4   a camera over the cat
Next: liveseg run YOUR_PHOTO.jpg    or    liveseg run YOUR_VIDEO.mp4 --classes person"""

Output = Annotated[str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the results go.")]


def demo(output: Output = "outputs") -> None:
    """Segment the samples that ship with liveseg, with the model that ships with it: no network is used."""
    settings = RunSettings(model="lite", output=f"{output.rstrip('/')}/", overwrite=True)
    finish(run_sources(samples(), settings), settings)
    out.print(f"\nThe results lie in {Path(output).absolute()}", markup=False)
    out.print(WHAT_TO_LOOK_AT, markup=False)


def samples() -> list[Path]:
    """The sample images and videos: inside the installed package, or in `input/` of a checkout.

    Raises:
        SourceNotFoundError: an installation without them.
    """
    package = Path(str(resources.files("liveseg")))
    for folder in (package / "samples", package.parent.parent / "input"):
        found = sorted(path for path in folder.glob("*") if path.suffix in (".jpg", ".mp4"))
        if found:
            return found
    raise SourceNotFoundError(f"this installation of liveseg lacks its samples in {package / 'samples'}")
