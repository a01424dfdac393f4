"""What `liveseg doctor` finds of the runtimes."""

from __future__ import annotations

import json
import os

import pytest

from liveseg.cli import doctor


@pytest.fixture
def diagnose(run_liveseg, tmp_path):
    """`diagnose(*packages)`: the findings on a machine where these are installed too, and the exit code."""

    def run(*packages):
        for package in packages:
            folder = tmp_path / "packages" / f"{package.replace('-', '_')}-1.0.dist-info"
            folder.mkdir(parents=True)
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
        environment = {**os.environ, "LIVESEG_HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "packages")}
        done = run_liveseg("doctor", "--json", env=environment)
        return {finding["what"]: finding for finding in json.loads(done.stdout)}, done.returncode

    return run


def test_doctor_tells_what_runs_videos_and_pictures_and_why(diagnose):
    found, code = diagnose()
    assert code == 0
    assert found["onnxruntime"]["verdict"] == "ok"
    assert found["runtime onnx"]["detail"].endswith("devices cpu")
    assert "devices cpu" in found["runtime openvino"]["detail"]
    assert "bfloat16" in found["runtime openvino"]["detail"]
    assert "VNNI" in found["runtime openvino"]["detail"]
    assert found["runtime for pictures"]["detail"].startswith("onnx: ")
    assert ": " in found["runtime for videos"]["detail"]


@pytest.mark.long
def test_doctor_finds_packages_that_overwrite_each_other(diagnose):
    found, code = diagnose("onnxruntime-gpu", "opencv-python")
    assert code == 1
    assert found["onnxruntime"] == {
        "what": "onnxruntime",
        "verdict": "bad",
        "detail": "onnxruntime-gpu and onnxruntime overwrite each other",
        "remedy": "pip uninstall onnxruntime-gpu onnxruntime, then pip install onnxruntime-gpu",
    }
    assert found["opencv"]["verdict"] == "bad"
    assert found["opencv"]["remedy"].endswith("then pip install opencv-python-headless")


def test_doctor_names_openvino_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda name: name != "openvino")
    finding = doctor._openvino()
    assert (finding.verdict, finding.remedy) == ("lack", "pip install 'liveseg[openvino]'")


@pytest.mark.parametrize(
    ("flags", "has"), [("fpu avx512_vnni sse", True), ("fpu avx_vnni", True), ("fpu avx512f avx512_vnnix", False)]
)
def test_vnni_is_read_from_the_processors_flags(monkeypatch, tmp_path, flags, has):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor: 0\nflags: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
    assert doctor._has_vnni(cpuinfo) is has
    assert doctor._has_vnni(tmp_path / "none") is None
