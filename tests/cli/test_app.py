"""The commands beside `run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from liveseg import __version__
from liveseg.models.registry import MODELS
from liveseg.settings import RunSettings, about
from liveseg.weights.catalogue import CATALOGUE


def test_version_is_printed_without_importing_anything_heavy(run_liveseg):
    assert run_liveseg("--version").stdout == f"liveseg {__version__}\n"
    code = (
        "import sys; sys.argv = ['liveseg', '--version']; from liveseg.__main__ import main; main()\n"
        "print([m for m in ('typer', 'rich', 'numpy', 'cv2', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command_and_option(run_liveseg):
    overview = run_liveseg("--help").stdout
    for command in ("run", "models", "pull", "bench", "export", "quantize", "demo", "doctor", "--install-completion"):
        assert command in overview
    options = run_liveseg("run", "-h", env=None).stdout
    for own, _ in about(RunSettings):
        option = ("--no-" if own.default is True else "--") + own.name.replace("_", "-")
        assert option in options, option
    assert "[default: (lite)]" in options
    assert "[default: 0.6]" in options


def test_models_lists_every_model_with_its_cost_and_score(run_liveseg):
    rows = {row["name"]: row for row in json.loads(run_liveseg("models", "--json").stdout)}
    assert rows.keys() == MODELS.keys()
    assert rows["lraspp"]["published_miou"] == 57.9
    assert rows["lite"]["weights"] == "bundled"
    table = run_liveseg("models").stdout
    for name in MODELS:
        assert name in table


def test_the_registry_and_the_catalogue_tell_the_same_of_the_published_models():
    told = {info.name: (info.published_miou, len(info.contract.labels)) for info in MODELS.values()}
    told.pop("lite")
    assert {entry.name: (entry.published_miou, entry.classes) for entry in CATALOGUE.values()} == told


def test_doctor_names_each_lack_with_its_remedy(run_liveseg, tmp_path):
    environment = {**os.environ, "LIVESEG_HOME": str(tmp_path), "LIVESEG_OFFLINE": "1"}
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    done = run_liveseg("doctor", "--json", env=environment)
    assert done.returncode == 0
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found["weights lite"]["verdict"] == "ok"
    assert found["weights lraspp"]["verdict"] == "lack"
    assert found["weights lraspp"]["remedy"] == "liveseg pull lraspp"
    assert found["encoders"]["verdict"] == "ok"
    assert all(finding["remedy"] for finding in found.values() if finding["verdict"] == "bad")
    assert "liveseg pull deeplabv3" in run_liveseg("doctor", env=environment).stdout


def test_doctor_finds_a_damaged_weights_file(run_liveseg, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "lraspp_mobilenet_v3_large-d234d4ea.pth").write_bytes(b"damaged")
    done = run_liveseg("doctor", env={**os.environ, "LIVESEG_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "not the published" in done.stdout


def test_pull_of_what_is_bundled_and_of_what_does_not_exist(run_liveseg):
    assert "nothing to fetch" in run_liveseg("pull", "lite").stdout
    done = run_liveseg("pull", "lrasp")
    assert done.returncode == 2
    assert "lraspp" in done.stderr


def test_pull_offline_says_so_and_does_not_advise_itself(run_liveseg, tmp_path):
    env = {**os.environ, "LIVESEG_HOME": str(tmp_path), "LIVESEG_OFFLINE": "1"}
    done = run_liveseg("pull", "lraspp", env=env)
    assert done.returncode == 1
    assert "LIVESEG_OFFLINE" in done.stderr
    assert "liveseg pull" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_demo_segments_the_samples(run_liveseg, tmp_path):
    done = run_liveseg("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in (tmp_path / "outputs").iterdir())
    assert made == ["image_1_lite.jpg", "image_2_lite.jpg", "video_1_lite.mp4", "video_2_lite.mp4"]
    assert "found: cat" in done.stdout
    assert "What to look at" in done.stdout


def test_an_unexpected_failure_is_one_line_that_says_where():
    code = (
        "import sys; sys.argv = ['liveseg', 'models']\n"
        "import liveseg.cli.models as models\n"
        "def broken(info): raise KeyError('surprise')\n"
        "models._row = broken\n"
        "from liveseg.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unexpected KeyError at <string>:3" in done.stderr
    assert "this is a bug" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that closes early is a POSIX habit")
def test_a_reader_that_leaves_early_gets_no_traceback():
    command = f"{sys.executable} -m liveseg models | head -c 1 >/dev/null"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
