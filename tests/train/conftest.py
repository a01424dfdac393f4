"""Photos of shapes, and trainings on them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "shapes.py"


@pytest.fixture(scope="session")
def shapes():
    """The module `shapes.py` beside this file, which is no package."""
    spec = importlib.util.spec_from_file_location("train_shapes", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start_shapes():
    """`start_shapes(data, out, options, *more)`: the program `shapes.py` in a process of its own."""

    def start(data, out, options, *more, **how):
        command = [sys.executable, PROGRAM, data, out, json.dumps(options), *more]
        fixed = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([str(word) for word in command], **fixed, **how)

    return start


@pytest.fixture(scope="session")
def shapes_set(shapes, tmp_path_factory):
    """The folder of a data set of six photos of shapes, 64 pixels a side."""
    return shapes.write_set(tmp_path_factory.mktemp("shapes"), 6, 64)
