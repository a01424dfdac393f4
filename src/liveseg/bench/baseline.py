"""The tutorial's own loop as the baseline, run from a checkout's `benchmarks/tutorial_loop.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.bench.child import run
from liveseg.bench.limit import THREAD_VARIABLES
from liveseg.errors import UsageError
from liveseg.models.extras import require
from liveseg.runtimes.load import BUNDLED
from liveseg.weights.locate import locate
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from liveseg.bench.combination import Combination

_SCRIPT = Path("benchmarks", "tutorial_loop.py")


def find_script() -> Path:
    """The tutorial's loop: in the checkout that this package is of, else in the current folder.

    Raises:
        UsageError: it is in neither.
        MissingExtraError: PyTorch, which it runs on, is not installed.
    """
    require("torch", "the tutorial's loop")
    for folder in (Path(__file__).parents[3], Path.cwd()):
        if (folder / _SCRIPT).is_file():
            return folder / _SCRIPT
    raise UsageError(
        f"--baseline tutorial runs {_SCRIPT.as_posix()}, which is in liveseg's source tree and not in this"
        " installation; run it in the folder of a clone of liveseg"
    )


def checkpoint(reference: Combination) -> str | None:
    """The checkpoint that the loop loads: the combination's, or the published one; `None` for the bundled model.

    Raises:
        UsageError: an exported model, which is no checkpoint.
        WeightsUnavailableError: the published one is not here; nothing is downloaded.
    """
    if reference.weights is None:
        return None if reference.model == BUNDLED else str(locate(reference.model, allow_download=False))
    file = weights_file(Path(reference.weights), checkpoint=True)
    if file.suffix.lower() not in (".pth", ".safetensors"):
        raise UsageError(
            f"PyTorch needs a checkpoint of {reference.model}, and {file.name} is an exported model;"
            f" name one by --weights {reference.model}=FILE.pth"
        )
    return str(file)


def measure(script: Path, reference: Combination, video: str, frames: int, warmup: int) -> dict[str, Any]:
    """The tutorial's loop over the video, at its native size, its first `warmup` frames not counted.

    It runs with PyTorch's default threads, or with those that were asked for.

    Raises:
        LivesegError: it has no weights, or failed.
    """
    weights = checkpoint(reference)
    variables = {} if reference.threads is None else dict.fromkeys(THREAD_VARIABLES, str(reference.threads))
    with tempfile.TemporaryDirectory(prefix="liveseg-bench-") as folder:
        out = str(Path(folder) / "tutorial.mp4")
        command = [sys.executable, str(script), video, reference.model, out, "--frames", str(warmup + frames)]
        record = run([*command, *(["--weights", weights] if weights else [])], "the tutorial's loop", "", variables)
    own = record["frame_milliseconds"]
    warm = own[: min(warmup, len(own) - 1)]
    seconds = record["seconds"] - sum(warm) / 1e3
    counted = len(own) - len(warm)
    return {
        "frames": counted,
        "seconds": seconds,
        "frames_per_second": counted / seconds,
        "own_average_fps": record["own_average_fps"],
        "stages_ms": record["milliseconds"],
        "threads": record["threads"],
        "peak_bytes": record["peak_bytes"],
    }
