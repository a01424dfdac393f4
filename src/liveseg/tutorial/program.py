"""What the two programs share: their arguments, their model, their window, and one line for whatever fails."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError
from liveseg.models.registry import find_model
from liveseg.settings.parse import parse_size
from liveseg.tutorial.functions import tinted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.window import Window
    from liveseg.segmentation import Segmentation
    from liveseg.segmenter import Segmenter

MODELS = ("deeplabv3", "lraspp", "lite")


def arguments(kind: str, given: Sequence[str] | None) -> argparse.Namespace:
    """The program's arguments: the tutorial's two, and what its readers came to need."""
    parser = argparse.ArgumentParser(description=f"Segment the objects in {kind}.")
    parser.add_argument("-i", "--input", required=True, help=f"path to input {kind.rsplit(maxsplit=1)[-1]}")
    parser.add_argument("-m", "--model", required=True, choices=MODELS, help="name of the model to use")
    parser.add_argument("--weights", help="weights of your own: a .pth, .safetensors or .onnx file")
    parser.add_argument("--size", type=_size, default="native", help="shorter side of the network's input in pixels")
    return parser.parse_args(given)


def run(work: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run a program's work; a failure that the user can cause becomes one line and an exit code."""
    try:
        work(options)
    except LivesegError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        from liveseg.cli.console import leave_pipe

        leave_pipe()
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: one line instead of a traceback
        sys.stderr.write(f"unexpected {type(error).__name__}: {error}; this is a bug in liveseg\n")
        return 1
    return 0


def load(options: argparse.Namespace, *, parallel: int = 1) -> Segmenter:
    """Say which model is used, and load it."""
    from liveseg.cli.console import download_progress
    from liveseg.segmenter import Segmenter

    say(f"USING {find_model(options.model).banner}")
    with download_progress() as progress:
        return Segmenter(
            options.model,
            weights=options.weights,
            size=options.size,
            tile="off",  # the tutorial's results are those of whole pictures
            parallel=parallel,
            progress=progress,
        )


def say(line: str) -> None:
    """Print a line at once, also into a pipe; nothing where there is no output at all."""
    if sys.stdout is not None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def output_path(options: argparse.Namespace, extension: str) -> Path:
    """`outputs/<stem>_<model>.<extension>`."""
    return Path("outputs") / f"{Path(options.input).stem}_{options.model}{extension}"


def picture(segmentation: Segmentation) -> NDArray[np.uint8]:
    """The tutorial's overlay of a segmentation, `(H, W, 3)` `uint8` RGB."""
    return tinted(segmentation.image, segmentation.color_mask())


@contextmanager
def window(title: str) -> Iterator[Window | None]:
    """The program's window, or a line that says why there is none."""
    from liveseg.media.window import window_if_any

    with window_if_any(
        title, lambda reason: say(f"No window: {reason}; the result is written all the same.")
    ) as opened:
        yield opened


def _size(text: str) -> int | str:
    try:
        return parse_size(text)
    except LivesegError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
