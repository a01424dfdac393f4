"""`liveseg export`: a model as a file that runs elsewhere, compared with PyTorch before it is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli.console import download_progress, out, passing_steps
from liveseg.cli.options import with_settings
from liveseg.errors import UsageError
from liveseg.settings import ExportSettings, QuantizeSettings

if TYPE_CHECKING:
    from liveseg.runtimes.convert import Conversion, Wish
    from liveseg.runtimes.parity import Parity, Pictures
    from liveseg.settings import GateSettings

Model = Annotated[str | None, typer.Argument(metavar="MODEL", help="A model, see `liveseg models`; lite by default.")]


@with_settings(ExportSettings)
def export(settings: ExportSettings, model: Model = None) -> None:
    """Write a model as ONNX, OpenVINO or PyTorch program, for `--weights FILE` here or for other programs.

    It is compared with PyTorch on photos first, and not written where more
    than 0.1 % of the pixels differ (int8: 3 %), or a logit by more than 0.001
    of the largest (int8: any).
    """
    from liveseg.runtimes.convert import Wish, format_of

    wish = Wish(
        settings.output,
        format_of(settings.output, settings.format),
        size=settings.size,
        int8=settings.int8,
        force=settings.force,
        overwrite=settings.overwrite,
    )
    write(model, wish, settings, calibrated_on=QuantizeSettings.limit)


def write(model: str | None, wish: Wish, settings: GateSettings, *, calibrated_on: int) -> None:
    """Write what is wished for and report it; of the photos at most `calibrated_on` are for calibration."""
    from liveseg.cli.photos import MOST_COMPARED, Photos, photos_in, sample_pictures, split, spread
    from liveseg.runtimes.convert import convert
    from liveseg.runtimes.original import Original

    if model is not None and settings.weights is not None and settings.weights.suffix.lower() == ".onnx":
        raise UsageError(f"{settings.weights} is a whole model; leave out {model}")
    calibration = Photos(())
    pictures: Pictures
    if settings.images is None:
        pictures, what = sample_pictures(), "samples"
    elif wish.int8:
        some, others = split(photos_in(settings.images), calibrated_on)
        calibration, pictures = Photos(some), Photos(others, settings.masks)
        what = "photos that it was calibrated on" if some == others else "other photos"
    else:
        pictures, what = Photos(spread(photos_in(settings.images), MOST_COMPARED), settings.masks), "photos"
    with download_progress(quiet=settings.quiet) as progress:
        original = Original(model, settings.weights, progress=progress)
        with passing_steps(quiet=settings.quiet) as tell:
            made = convert(original, wish, pictures, calibration=calibration, tell=tell)
    if settings.json:
        typer.echo(json.dumps({**made.to_json(), "compared_on": what}, indent=2))
    elif not settings.quiet:
        _print(made, what)


def _print(made: Conversion, what: str) -> None:
    record = made.to_json()
    size = f"{record['bytes'] / 1e6:.1f} MB"
    out.print(f"{made.model} -> {', '.join(map(str, made.files))} ({record['precision']}, {size})", markup=False)
    if made.calibrated_on:
        out.print(f"calibrated on {made.calibrated_on} photos", markup=False)
    reference = "PyTorch" if made.reference == "torch" else "its floats in ONNX Runtime"
    for entry in made.compared:
        out.print(
            f"compared with {reference}, on {entry.parity.pictures} {what}, as {entry.runtime} runs it:", markup=False
        )
        for name, value in _rows(entry.parity).items():
            out.print(f"  {name:<26}{value}", markup=False)
    if made.forced:
        out.print("beyond the limits, and written because of --force", markup=False)
    needs = " (PyTorch runs it)" if made.wish.format == "pt2" else ""
    out.print(f"run it: liveseg run SOURCE --weights {made.wish.target}{needs}", markup=False)


def _rows(parity: Parity) -> dict[str, str]:
    rows = {
        "pixels that agree": f"{parity.agreement:.3%} (the worst picture {parity.worst:.2%})",
        "largest logit difference": f"{parity.difference:.1e} of the largest logit",
        "mIoU between both masks": f"{parity.mask_miou:.2%}",
    }
    if parity.miou is not None and parity.reference_miou is not None:
        change = 100 * (parity.miou - parity.reference_miou)
        rows["mIoU with the true masks"] = (
            f"{parity.miou:.2%}, by {change:+.2f} points from {parity.reference_miou:.2%}"
        )
    return rows
