"""The programs of `benchmarks`, as modules."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def program(request):
    """`program(name)`: a module of the folder that the test file calls `FOLDER`: programs, and no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(request.module.FOLDER))
        yield importlib.import_module
    for name, module in list(sys.modules.items()):
        if BENCHMARKS in Path(getattr(module, "__file__", None) or "").parents:
            del sys.modules[name]
