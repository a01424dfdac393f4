"""`liveseg doctor`: what this machine has for liveseg, and a remedy for each lack."""

from __future__ import annotations

import importlib.util
import json as json_module
import os
import platform
import re
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from liveseg._version import __version__
from liveseg.cli.console import out
from liveseg.runtimes.base import available_cores
from liveseg.runtimes.choose import choose, installed
from liveseg.runtimes.load import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

Verdict = Literal["ok", "lack", "bad"]
_MARKS = {"ok": "[green]ok[/green]", "lack": "[yellow]--[/yellow]", "bad": "[red]!![/red]"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Args:
        what: its name.
        verdict: `ok`; `lack`, something optional that is not there; `bad`, something that has to be put right.
        detail: what was found.
        remedy: what to do about it, where there is something to do.
    """

    what: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def doctor(json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Check this machine: versions, runtimes, encoders, display, cameras, threads, cache and weights.

    Exits with 1 where something has to be put right; what is merely not installed is no failure.
    """
    findings = list(examine())
    if json:
        typer.echo(json_module.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            remedy = f" -> {finding.remedy}" if finding.remedy else ""
            table.add_row(_MARKS[finding.verdict], finding.what, _plain(f"{finding.detail}{remedy}"))
        out.print(table)
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Every finding, in the order of a frame's way through the house."""
    yield Finding("liveseg", "ok", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    yield from _versions()
    yield from _threads()
    yield from _runtimes()
    yield from _encoders()
    yield _display()
    yield _cameras()
    yield from _cache()


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    for package in ("numpy", "pillow", "av"):
        yield Finding(package, "ok", _version(package) or "unknown version")
    yield _one_of(
        "opencv",
        ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
    )


def _one_of(what: str, packages: tuple[str, ...]) -> Finding:
    """A finding on packages that install the same files, so that only one can be whole: best the first of them."""
    there = [package for package in packages if _version(package)]
    if len(there) > 1:
        return Finding(
            what, "bad", f"{' and '.join(there)} overwrite each other",
            f"pip uninstall {' '.join(there)}, then pip install {there[0]}",
        )  # fmt: skip
    return Finding(what, "ok", f"{there[0]} {_version(there[0])}" if there else "built here")


def _threads() -> Iterator[Finding]:
    cores = available_cores()
    yield Finding("cores", "ok", f"{cores} for this process, {os.cpu_count()} in the machine")
    limit = os.environ.get("OMP_NUM_THREADS")
    if limit:
        yield Finding("OMP_NUM_THREADS", "ok", f"{limit}: limits PyTorch; liveseg's --threads is the better way")


def _runtimes() -> Iterator[Finding]:
    import onnxruntime

    from liveseg.runtimes.onnx import provided

    yield _one_of(
        "onnxruntime",
        (
            "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-qnn", "onnxruntime-rocm",
            "onnxruntime-migraphx", "onnxruntime-silicon", "onnxruntime",
        ),
    )  # fmt: skip
    yield Finding("runtime onnx", "ok", f"ONNX Runtime {onnxruntime.__version__}, devices {', '.join(provided())}")
    yield _openvino()
    yield from _torch()
    for what, request in (("videos", Request(live=True)), ("pictures", Request())):
        yield Finding(f"runtime for {what}", "ok", str(choose(request)))


def _openvino() -> Finding:
    if not installed("openvino"):
        return Finding(
            "runtime openvino", "lack", "OpenVINO is not installed; it is the fastest for videos on x86 processors",
            "pip install 'liveseg[openvino]'",
        )  # fmt: skip
    try:
        from liveseg.runtimes.openvino import available, computes
    except ImportError as error:
        return Finding("runtime openvino", "bad", f"OpenVINO: {error}", "pip install --force-reinstall openvino")
    devices = ", ".join(name.lower() for name in available())
    words = {True: "yes", False: "no", None: "unknown"}
    arithmetic = f"bfloat16 {words['BF16' in computes('CPU')]}, VNNI for int8 {words[_has_vnni()]}"
    return Finding(
        "runtime openvino", "ok", f"OpenVINO {_version('openvino')}, devices {devices}; on the CPU {arithmetic}"
    )


def _has_vnni(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Whether the processor adds up products of 8-bit integers in one step, which OpenVINO uses but does not list."""
    if not cpuinfo.is_file() or platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    return re.search(r"\bavx(512)?_vnni\b", cpuinfo.read_text(encoding="utf-8")) is not None


def _torch() -> Iterator[Finding]:
    if not installed("torch"):
        yield Finding(
            "runtime torch", "lack", "PyTorch is not installed; models other than lite need it once",
            "pip install 'liveseg[torch]'",
        )  # fmt: skip
        return
    import torch

    devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    yield Finding("runtime torch", "ok", f"PyTorch {torch.__version__}, devices {', '.join(devices)}")
    missing = [name for name in ("onnx", "onnxscript", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding("export", "lack", f"{', '.join(missing)} not installed", "pip install 'liveseg[torch]'")


def _encoders() -> Iterator[Finding]:
    import av

    there = [name for name in ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "aac") if name in av.codecs_available]
    if "libx264" in there:
        yield Finding("encoders", "ok", ", ".join(there))
    else:
        yield Finding(
            "encoders", "bad", "this PyAV has no libx264", "pip install --only-binary av --force-reinstall av"
        )


def _display() -> Finding:
    from liveseg.media.window import open_window

    window, reason = open_window("liveseg doctor")
    if window is None:
        return Finding("display", "lack", reason, "--show needs it; files are written all the same")
    window.close()
    return Finding("display", "ok", "a window opens")


def _cameras() -> Finding:
    import av
    from av.device import enumerate_input_devices

    by_platform = {"linux": "video4linux2,v4l2", "darwin": "avfoundation", "win32": "dshow"}
    try:
        devices = enumerate_input_devices(by_platform.get(sys.platform, ""))
    except (av.FFmpegError, ValueError) as error:
        return Finding("cameras", "lack", f"not listed: {str(error) or type(error).__name__}")
    names = [device.description or device.name for device in devices]
    return Finding(
        "cameras",
        "ok" if names else "lack",
        ", ".join(names) or "none found",
        "" if names else "plug one in, and see that you may read it",
    )


def _cache() -> Iterator[Finding]:
    from liveseg.errors import WeightsUnavailableError
    from liveseg.weights.catalogue import CATALOGUE
    from liveseg.weights.home import exported_folder, home, offline, weights_folder
    from liveseg.weights.integrity import sha256, verify
    from liveseg.weights.locate import bundled

    place = home()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    told = f"{place}{', offline by LIVESEG_OFFLINE' if offline() else ''}"
    if os.access(there, os.W_OK):
        yield Finding("cache", "ok", told)
    else:
        yield Finding("cache", "bad", f"{told}, which cannot be written", "name another folder by LIVESEG_HOME")
    try:
        path = bundled("lite", "onnx")
        yield Finding("weights lite", "ok", f"bundled, sha256 {sha256(path)}")
    except WeightsUnavailableError as error:
        yield Finding("weights lite", "bad", str(error), "pip install --force-reinstall liveseg")
    for entry in CATALOGUE.values():
        state = verify(entry)
        remedy = f"liveseg pull {entry.name}"
        path = weights_folder() / entry.filename
        if state == "ok":
            yield Finding(f"weights {entry.name}", "ok", f"sha256 {sha256(path)}, as published")
        elif state == "missing":
            yield Finding(f"weights {entry.name}", "lack", "not downloaded", remedy)
        else:
            yield Finding(
                f"weights {entry.name}", "bad", f"{path} has sha256 {sha256(path)}, not the published", remedy
            )
    exported = sorted(exported_folder().glob("*.onnx"))
    yield Finding("exported models", "ok", ", ".join(path.stem for path in exported) or "none yet")
