"""The folder of a run: it is not overwritten, not shared, and gone on with only as the same run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from liveseg.errors import OutputExistsError, SinkError, SourceNotFoundError, UsageError, WeightsError
from liveseg.train.run_folder import RunFolder

SETTINGS = {"model": "lite", "epochs": None, "seed": 0}


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path / "runs" / "leaves")
    folder.write_json(folder.config, {"command": "liveseg train photos", "settings": SETTINGS})
    return folder


def test_a_run_has_its_folders_and_is_named_after_its_own(run):
    assert run.name == "leaves"
    for folder in (run.last.parent, run.samples, run.tensorboard):
        assert folder.is_dir()
    assert run.read_json(run.config)["settings"] == SETTINGS
    assert not run.finished


def test_a_run_that_is_there_is_not_overwritten_by_accident(run):
    run.last.write_text("state")
    with pytest.raises(OutputExistsError, match=r"--resume.*--overwrite.*another --out"):
        RunFolder.create(run.path)
    assert RunFolder.create(run.path, resume=True) == run
    assert run.config.exists()


def test_a_run_that_failed_before_it_learned_anything_is_in_nobodys_way(run):
    with run.held():
        RunFolder.create(run.path)
    assert not run.config.exists()
    with run.held():
        RunFolder.create(run.path)


def test_overwriting_removes_the_run_and_nothing_else(run):
    for file in (run.last, run.card, run.graph, run.samples / "epoch_001.png"):
        file.write_text("old")
    (run.path / "notes.txt").write_text("mine")
    RunFolder.create(run.path, overwrite=True)
    assert sorted(path.name for path in run.path.rglob("*") if path.is_file()) == ["notes.txt"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match="holds other files"):
            RunFolder.create(tmp_path / "photos", overwrite=overwrite)
    with pytest.raises(SinkError, match="that is a file"):
        RunFolder.create(tmp_path / "photos" / "a.jpg")


def test_there_must_be_a_run_to_go_on_with(tmp_path):
    with pytest.raises(SourceNotFoundError, match="leave out --resume"):
        RunFolder.create(tmp_path / "none", resume=True)


def test_another_setting_is_not_the_same_run(run):
    run.hold_to(SETTINGS)
    with pytest.raises(UsageError, match=r"--seed was 0, not 3; it began as: liveseg train photos"):
        run.hold_to(SETTINGS | {"seed": 3})


def test_a_damaged_configuration_is_named(run):
    run.config.write_text("{")
    with pytest.raises(WeightsError, match=r"config.json cannot be read"):
        run.hold_to(SETTINGS)


def test_two_trainings_do_not_share_a_folder(run):
    program = (
        "import sys; from pathlib import Path; from liveseg.train.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).held(): print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SinkError, match="another liveseg is training"), run.held():
            pass
        other.communicate("\n", timeout=60)
    with run.held():
        pass


def test_a_run_that_never_began_leaves_no_folder_behind(tmp_path):
    new = RunFolder(tmp_path / "runs" / "leaves")
    with pytest.raises(UsageError, match="no such folder"), new.held():
        raise UsageError("no such folder")
    assert not list(tmp_path.iterdir())
    with new.held():
        new.write_json(new.config, {})
    assert new.config.is_file()
    (tmp_path / "mine").mkdir()
    with RunFolder(tmp_path / "mine").held():
        pass
    assert (tmp_path / "mine").is_dir(), "what was there stays"
