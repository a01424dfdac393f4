"""What tests of pictures share."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def matting():
    """The module `benchmarks/matting.py`: pictures with a known foreground, and how far a cut is from it."""
    path = Path(__file__).parents[2] / "benchmarks" / "matting.py"
    spec = importlib.util.spec_from_file_location("benchmarks_matting", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def composite(matting, skimage_data):
    """A picture whose foreground is known, with the mask of a network that errs; see `benchmarks/matting.py`."""
    return next(matting.composites(skimage_data))
