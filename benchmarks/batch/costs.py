"""What a batch costs on this machine, as `scaling.py` measured it: where the simulation's own numbers come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALONE, SINGLY = "local, 1 worker", "local, 1 worker, one by one"
"""The two ways of `scaling.py` that the costs are made from; the others only check them."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Of one image, one bundle and one worker, all measured.

    Args:
        work: seconds of a worker an image, from local files to local files.
        spread: standard deviation of that from image to image, as a share of it.
        bundle: seconds of a worker a bundle that are none of its images': handing over, and appending to the log.
        driver_item: seconds of the driver an image: listing, looking it up, packing it.
        driver_record: seconds of the driver an image: taking its record and counting it.
        start: seconds from the beginning of a run until a worker begins with its first image.
        bytes_in: of an image's file.
        bytes_out: of its outputs.
        outputs: files that were written for it.
    """

    work: float
    spread: float = 0.0
    bundle: float = 0.0
    driver_item: float = 0.0
    driver_record: float = 0.0
    start: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    outputs: int = 1

    @classmethod
    def measured(cls, record: dict[str, Any]) -> Costs:
        """From the record of `scaling.py`: one worker with bundles and one by one, and the driver."""
        alone, singly, driver = record["ways"][ALONE], record["ways"][SINGLY], record["driver"]
        together = alone["bundle"]
        # An image in bundles of n takes work + bundle / n; one by one it takes work + bundle.
        bundled, single = 1 / alone["images_a_second"], 1 / singly["images_a_second"]
        bundle = max(single - bundled, 0.0) / (1 - 1 / together)
        return cls(
            work=bundled - bundle / together,
            spread=alone["spread"],
            bundle=bundle,
            driver_item=driver["item_us"] / 1e6,
            driver_record=driver["record_us"] / 1e6,
            start=alone["start_seconds"],
            bytes_in=round(alone["bytes_in"]),
            bytes_out=round(alone["bytes_out"]),
            outputs=round(alone["outputs"]),
        )
