"""What a batch gains on a CPU: pictures one by one, in batches, and side by side, at equal threads.

    python benchmarks/batching.py [--threads 2] [--size 289x385] [--pictures 16] [--rounds 9] > batching.json

Two ways to use the same threads: `pool`, one call after another with all threads, and `side`, as many calls at once as
there are threads with one thread each, which is how a `Segmenter(parallel=threads)` is set up. Both with batches of 1,
2, 4 and 8 pictures of one size, of the bundled model: ONNX Runtime in float32 and int8, OpenVINO in float32, bfloat16
(where the processor has it) and int8, with a graph compiled for the batch. The ways take turns in each round, so that
all see the same machine. It prints one JSON record: for each way the median milliseconds a picture by the clock, those
of processor time (which say more on a busy machine), and how many times as fast as `side` one by one it is.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from liveseg.bench.record import command_line, surroundings, write_record
from liveseg.runtimes.base import available_cores, import_openvino
from liveseg.settings.parse import parse_frame_size
from liveseg.weights.locate import bundled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Run = Callable[[NDArray[np.uint8]], object]

BATCHES = (1, 2, 4, 8)


def onnx_runtime(path: str, threads: int) -> Run:
    """A session as liveseg makes them."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})


def openvino(path: str, threads: int, streams: int, shape: tuple[int, ...], precision: str | None) -> Run:
    """A graph for batches of one length, set up as liveseg does."""
    ov = import_openvino()
    core = ov.Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    config = {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False, "PERFORMANCE_HINT": "LATENCY"}
    if streams > 1:
        config |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": streams}
    if precision is not None:
        config["INFERENCE_PRECISION_HINT"] = precision
    compiled = core.compile_model(model, "CPU", config)
    own = threading.local()

    def run(images: NDArray[np.uint8]) -> object:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        own.request.set_input_tensor(ov.Tensor(images, shared_memory=True))
        own.request.start_async()
        own.request.wait()
        return np.array(own.request.get_output_tensor(0).data)

    return run


def ways(options: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """Every way, by its name; each takes all pictures through the network once."""
    width, height = options.size
    pictures = np.random.default_rng(0).integers(0, 256, (options.pictures, height, width, 3), dtype=np.uint8)
    threads = options.threads
    pool = ThreadPoolExecutor(threads)
    files = {"float32": str(bundled("lite", "onnx")), "int8": str(bundled("lite", "int8.onnx"))}
    found: dict[str, Callable[[], None]] = {}

    def add(name: str, run_all: Run, run_one: Run, batch: int) -> None:
        parts = [pictures[start : start + batch] for start in range(0, len(pictures), batch)]
        found[f"{name} pool {batch}"] = lambda: [run_all(part) for part in parts] and None
        found[f"{name} side {batch}"] = lambda: list(pool.map(run_one, parts)) and None

    for kind, path in files.items():
        run_all, run_one = onnx_runtime(path, threads), onnx_runtime(path, 1)
        for batch in BATCHES:
            add(f"onnx {kind}", run_all, run_one, batch)
    can = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    kinds = [("float32", "float32", "f32"), ("int8", "int8", None)]
    if "BF16" in can:
        kinds.append(("bfloat16", "float32", "bf16"))
    for kind, file, precision in kinds:
        for batch in BATCHES:
            shape = (batch, height, width, 3)
            run_all = openvino(files[file], threads, 1, shape, precision)
            add(f"openvino {kind}", run_all, openvino(files[file], threads, threads, shape, precision), batch)
    return found


def measure(found: dict[str, Callable[[], None]], pictures: int, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds a picture of each way, in turn, after a round that does not count."""
    for run in found.values():
        run()
    clock: dict[str, list[float]] = {name: [] for name in found}
    work: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            began, worked = time.perf_counter(), time.process_time()
            run()
            work[name].append((time.process_time() - worked) / pictures * 1e3)
            clock[name].append((time.perf_counter() - began) / pictures * 1e3)
    told = {}
    for name in found:
        single = f"{name.rsplit(' ', 2)[0]} side 1"
        told[name] = {
            "milliseconds": round(statistics.median(clock[name]), 2),
            "processor_milliseconds": round(statistics.median(work[name]), 2),
            "times_as_fast_as_side_1": round(statistics.median(np.divide(clock[single], clock[name])), 3),
        }
    return told


def main() -> None:
    """Measure, and print the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--size", type=parse_frame_size, default=(385, 289))
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    record = {
        "command": command_line("python benchmarks/batching.py", sys.argv[1:]),
        **surroundings(),
        "threads": options.threads,
        "input": "x".join(map(str, options.size)),
        "ways": measure(ways(options), options.pictures, options.rounds),
    }
    write_record(record)


if __name__ == "__main__":
    main()
