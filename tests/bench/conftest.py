"""What the benchmark's tests share: a clip, and a task about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveseg.bench.combination import Combination
from liveseg.bench.result import BenchResult, Entry
from liveseg.bench.task import Task


@pytest.fixture(scope="session")
def clip(samples):
    """A sample video of 150 frames."""
    return samples / "video_1.mp4"


@pytest.fixture
def task(clip):
    """`task(do, …)`: a small measurement of `lite` at its smallest useful size, three frames after one."""

    def make(do, **about):
        fixed = {"combination": Combination("lite", size=97, threads=1), "frames": 3, "warmup": 1, "encode": False}
        return Task(do=do, video=str(clip), **{**fixed, **about})

    return make


def found(width=384, height=288, precision="float32", runtime="onnx", size=288):
    return {
        "network": "lite",
        "runtime": runtime,
        "device": "cpu",
        "precision": precision,
        "threads": 2,
        "parallel": 2,
        "size": size,
        "network_input": [width, height],
    }


def line_round(rate, peak=10**8, postprocess=1.0):
    return {
        "frames": 10,
        "seconds": 10 / rate,
        "frames_per_second": rate,
        "latency_ms": {"p5": 1.0, "p50": 2.0, "p95": 3.0},
        "stages_ms": {"infer": 1e3 / rate, "postprocess": postprocess},
        "thread_times": [
            {"thread": "reader", "busy_seconds": 2 / rate, "waiting_seconds": 7 / rate, "explained": 0.96},
            {"thread": "caller", "busy_seconds": 8 / rate, "waiting_seconds": 2 / rate, "explained": 1.0},
        ],
        "first_frame_seconds": 0.5,
        "peak_bytes": peak,
        "own_cores": 1.5,
        "other_cores": 0.25,
    }


def network_round(rate):
    return {
        "frames": 10,
        "seconds": 10 / rate,
        "frames_per_second": rate,
        "call_ms": {"p5": 1.0, "p50": 2.0, "p95": 3.0},
        "peak_bytes": 10**8,
        "own_cores": 1.5,
        "other_cores": None,
    }


@pytest.fixture
def result():
    """A made-up result: two sizes of `lite` in two rounds, and a model that is not here."""
    native = Entry(
        Combination("lite", size="native"),
        "bundled",
        found(769, 577, size="native"),
        [line_round(20.0), line_round(30.0, 2 * 10**8)],
        [network_round(40.0), network_round(60.0)],
    )
    small = replace(native, combination=Combination("lite", size=257), found=found(337, 257, "bfloat16", size=257))
    absent = Entry(Combination("lraspp", size=257), error="the weights of 'lraspp' are not here")
    return BenchResult(
        command="liveseg bench",
        date="2026-01-01T00:00:00+00:00",
        machine={"processor": "A processor", "cores_of_this_process": 2},
        versions={"python": "3.11"},
        commit=None,
        source={"name": "clip.mp4", "width": 768, "height": 576, "frames": 100, "frames_per_second": 25.0},
        settings={"rounds": 2, "frames": 10, "threads": None, "sink": "file", "network_only": False},
        entries=[native, small, absent],
        limits=[
            {
                "blas": "a blas",
                "side": 2048,
                "threads": 2,
                "products": [
                    {"library": "numpy", "precision": "float32", "device": "cpu", "gops": 100.0},
                    {"library": "onnx", "precision": "float32", "device": "cpu", "gops": gops},
                ],
            }
            for gops in (200.0, 400.0)
        ],
    )
