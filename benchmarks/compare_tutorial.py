"""The tutorial's loop and liveseg on the same video, weights and input size, in turn; medians and their ratio.

    python benchmarks/compare_tutorial.py VIDEO [--model lraspp] [--weights FILE] [--frames 100] [--rounds 3]

Both sides decode, segment at the video's own size, draw and encode (the tutorial MPEG-4, liveseg H.264), each with its
default threads, in processes of their own. The rate counts the whole line, without loading the model. Where the
published weights cannot be had, `python benchmarks/weights.py lraspp FILE.pth` makes random ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent


def answer(*command: str) -> dict:
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def tutorial(options: argparse.Namespace, folder: str) -> tuple[float, dict[str, float]]:
    weights = ["--weights", options.weights] if options.weights else []
    out = f"{folder}/tutorial.mp4"
    script = str(HERE / "tutorial_loop.py")
    record = answer(script, options.video, options.model, out, "--frames", str(options.frames), *weights)
    return record["frames_per_second"], record["milliseconds"]


def liveseg(options: argparse.Namespace, folder: str) -> tuple[float, dict[str, float]]:
    chosen = ["--weights", options.weights] if options.weights else ["--model", options.model]
    command = ["-m", "liveseg", "run", options.video, "-o", f"{folder}/liveseg.mp4", "--size", "native", "--json"]
    record = answer(*command, "--overwrite", "--limit", str(options.frames), *chosen)
    return record["frames_per_second"], record["stages_ms"]


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model", default="lraspp")
    parser.add_argument("--weights")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    sides = {"tutorial": tutorial, "liveseg": liveseg}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    parts: dict[str, dict[str, list[float]]] = {name: {} for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        liveseg(options, folder)  # the first run may export the model
        for _ in range(options.rounds):
            for name, side in sides.items():
                rate, spent = side(options, folder)
                rates[name].append(rate)
                for part, milliseconds in spent.items():
                    parts[name].setdefault(part, []).append(milliseconds)
    packages = {
        name: metadata.version(name) for name in ("torch", "onnxruntime", "av", "opencv-python-headless", "numpy")
    }
    record = {
        "command": f"python benchmarks/compare_tutorial.py {Path(options.video).name} --model {options.model}"
        f" --frames {options.frames} --rounds {options.rounds}" + (" --weights FILE" if options.weights else ""),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": packages,
        "frames_per_second": rates,
        "median": {name: statistics.median(values) for name, values in rates.items()},
        "ratio_by_round": [b / a for a, b in zip(rates["tutorial"], rates["liveseg"], strict=True)],
        "milliseconds": {
            name: {part: statistics.median(values) for part, values in own.items()} for name, own in parts.items()
        },
    }
    record["ratio"] = statistics.median(record["ratio_by_round"])
    for name, own in record["milliseconds"].items():
        print(f"{name}: {record['median'][name]:.2f} frames a second (median of {options.rounds})")
        for part, milliseconds in own.items():
            print(f"    {part:20s}{milliseconds:8.2f} ms a frame")
    print(f"liveseg is {record['ratio']:.2f} times as fast ({options.model}, {Path(options.video).name})")
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
