"""What a network says of a picture: in one look, in tiles, or averaged over several looks (test-time augmentation).

The looks are the picture and its mirror image, at one or several scales. Each is brought to the first one's grid, then
the probabilities are averaged, and their logarithm takes the place of the logits, as in `liveseg.tiling`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from liveseg import preprocess, tiling
from liveseg.errors import UsageError
from liveseg.postprocess import upsampled
from liveseg.tiling import log_probabilities, probabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from liveseg.preprocess import Size
    from liveseg.runtimes.base import Runtime
    from liveseg.settings.model import Tta
    from liveseg.tiling import Cut, Tile

    Floats = NDArray[np.float32]

SCALES = (1.0, 0.75, 1.25)
"""Of `full`: what the size is multiplied by. The first is the one whose grid the others are brought to."""


class Looks:
    """How one network is asked about pictures; it holds no state between them.

    Args:
        runtime: the network.
        size: what the pictures' shorter side becomes, in pixels, or `native`.
        tile: the side of the tiles they are cut into, or when that is done.
        tta: `off` is one look, `flip` two, at the picture and its mirror image, and `full` six, those at three scales.

    Raises:
        UsageError: a tile or number of looks that does not exist, or that the network cannot take.
    """

    def __init__(self, runtime: Runtime, size: Size, tile: Tile = "auto", tta: Tta = "off") -> None:
        self._runtime = runtime
        self._contract = runtime.contract
        self._size = size
        self._tile = tiling.checked(tile)
        self._tta = tta
        # A GPU has its own memory, and is fast enough to be fed whole what it can hold.
        self._most_pixels = tiling.WHOLE_PIXELS if runtime.device == "cpu" else preprocess.MOST_PIXELS // 2
        fixed = self._contract.fixed_size
        if tta not in ("off", "flip", "full"):
            raise UsageError(f"tta is off, flip or full, not {tta!r}")
        if fixed is not None and tta == "full" and tile in ("auto", "off"):
            raise UsageError(
                f"{self._contract.name} takes inputs of {fixed[1]}x{fixed[0]} only, at one scale; take --tta flip"
            )
        if fixed is not None and type(tile) is int:
            raise UsageError(f"{self._contract.name} takes tiles of {fixed[1]}x{fixed[0]} only; take --tile on")

    @property
    def plain(self) -> bool:
        """Whether one look is all that there is for most pictures."""
        return self._tta == "off" and self._tile in ("auto", "off")

    def cut(self, height: int, width: int) -> Cut | None:
        """How a picture is cut into tiles; `None` where the network takes it whole."""
        return self._cut(height, width, self._size)

    def notes(self, height: int, width: int) -> list[str]:
        """What the user should know of how a picture is cut, a line each."""
        cut = self.cut(height, width)
        return [] if cut is None else tiling.notes(cut, self._tile, self._contract)

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Floats, Mapping[str, float]]:
        """The logits of a picture, and the milliseconds that it took: `preprocess` (resizing) and `infer` (the rest).

        Args:
            image: `(H, W, 3)` `uint8` RGB.

        Returns:
            `(classes, h, w)` `float32` on the grid that the network has for that size, or the tiles have together.

        Raises:
            LivesegError: the picture is too large, or the network cannot take it.
        """
        began = time.perf_counter()
        logits, resizing = self._at(image, self._size)
        others = self._other_sizes(*image.shape[:2])
        if others:
            _, height, width = logits.shape
            total = probabilities(logits)
            for size in others:
                seen, spent = self._at(image, size)
                total += probabilities(upsampled(seen, height, width, align_corners=self._contract.align_corners))
                resizing += spent
            total /= len(others) + 1
            logits = log_probabilities(total)
        inferring = time.perf_counter() - began - resizing
        return logits, {"preprocess": resizing * 1e3, "infer": inferring * 1e3}

    def batched(self, height: int, width: int) -> tuple[int, int] | None:
        """The network's input for a picture; those of equal ones can share a batch, and `None` stands for one alone."""
        if self._tta != "off" or self._cut(height, width, self._size) is not None:
            return None
        return preprocess.input_size(height, width, self._size, self._contract)

    def many(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Floats, Mapping[str, float]]]:
        """What a call for each picture gives, in one batch of the network; each picture's times are the batch's.

        Args:
            images: `(H, W, 3)` `uint8` RGB each, of any sizes whose `batched` is the same.

        Raises:
            UsageError: pictures that do not share a batch.
            LivesegError: as for one picture.
        """
        fed = {self.batched(*image.shape[:2]) for image in images}
        size = next(iter(fed), None)
        if len(fed) != 1 or size is None:
            raise UsageError("pictures share a batch only if the network takes them whole and in one size")
        began = time.perf_counter()
        pixels = np.stack([preprocess.resize(image, *size) for image in images])
        resized = time.perf_counter()
        logits = self._runtime(pixels)
        speed = {"preprocess": (resized - began) * 1e3, "infer": (time.perf_counter() - resized) * 1e3}
        return [(own, speed) for own in logits]

    def _other_sizes(self, height: int, width: int) -> list[int]:
        if self._tta != "full":
            return []
        shorter = min(height, width) if self._size == "native" else self._size
        return [max(round(shorter * scale), 1) for scale in SCALES[1:]]

    def _at(self, image: NDArray[np.uint8], size: Size) -> tuple[Floats, float]:
        """The logits at a scale, and the seconds that resizing took."""
        height, width = image.shape[:2]
        cut = self._cut(height, width, size)
        began = time.perf_counter()
        fed = preprocess.input_size(height, width, size, self._contract) if cut is None else (cut.height, cut.width)
        pixels = preprocess.resize(image, *fed)
        resizing = time.perf_counter() - began
        if cut is None:
            return self._asked(pixels), resizing
        return tiling.blended(pixels, cut, self._asked, align_corners=self._contract.align_corners), resizing

    def _asked(self, pixels: NDArray[np.uint8]) -> Floats:
        logits: Floats = self._runtime(np.ascontiguousarray(pixels)[None])[0]
        if self._tta == "off":
            return logits
        mirrored = self._runtime(np.ascontiguousarray(pixels[:, ::-1])[None])[0][:, :, ::-1]
        total = probabilities(logits)
        total += probabilities(mirrored)
        total /= 2
        return log_probabilities(total)

    def _cut(self, height: int, width: int, size: Size) -> Cut | None:
        return tiling.cut(height, width, size, self._tile, self._contract, most_pixels=self._most_pixels)
