"""Training as a whole: it learns, it is the same each time, and it survives being killed."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from liveseg.errors import DataError, DeviceError, MissingExtraError, UsageError, WeightsError
from liveseg.train import fit as fit_module
from liveseg.train.failures import TrainingFailedError, TrainingStoppedError
from liveseg.train.fit import fit, require_trainer
from liveseg.train.options import TrainOptions

QUICK = {"crop": 33, "batch": 2, "accumulate": 2, "epochs": 4, "ema": 0.5, "lr": 1e-4}
"""A step is a pass over four photos."""

ROUNDS = QUICK | {"epochs": 20}
"""20 steps, two to a round."""


def state_of(out):
    return torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)


def assert_same_state(one, other):
    """That two checkpoints are bit for bit the same in all that decides how training goes on."""
    one, other = state_of(one), state_of(other)
    assert one["global_step"] == other["global_step"]
    assert one["state_dict"].keys() == other["state_dict"].keys()
    for name, tensor in one["state_dict"].items():
        assert torch.equal(tensor, other["state_dict"][name]), name
    for mine, theirs in zip(one["optimizer_states"], other["optimizer_states"], strict=True):
        assert mine["state"].keys() == theirs["state"].keys()
        for index, moments in mine["state"].items():
            assert all(torch.equal(tensor, theirs["state"][index][name]) for name, tensor in moments.items())


def rows_of(out):
    with (out / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_a_tiny_set_is_learned_almost_perfectly(shapes, tmp_path):
    data = shapes.write_set(tmp_path / "data", 3, 128)
    options = {"crop": 129, "batch": 3, "augment": "none", "freeze": "none", "epochs": 60, "lr": 1e-3}
    fitted = shapes.train(data, tmp_path / "run", **options)
    assert fitted.miou > 0.94
    assert (fitted.model, fitted.steps, fitted.plan.freeze) == ("lite", 60, "none")
    assert not fitted.network.training
    rows = rows_of(tmp_path / "run")
    assert len(rows) == fitted.plan.rounds == len(fitted.rows)
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) / 5
    assert float(rows[-1]["iou disc"]) > 0.9
    assert max(float(row["miou"]) for row in rows) == pytest.approx(fitted.miou, abs=1e-5)
    pictures = sorted((tmp_path / "run" / "samples").iterdir())
    assert [picture.name for picture in pictures] == [f"epoch_{int(row['epoch']):03d}.png" for row in rows]
    with Image.open(pictures[-1]) as sheet:
        assert sheet.width > 900
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))
    assert not list(Path.cwd().glob("lightning_logs")), "nothing is left elsewhere"
    # The weights that are returned are those that were measured.
    best = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    assert all(torch.equal(tensor, best["state_dict"][name]) for name, tensor in fitted.network.state_dict().items())


@pytest.fixture(scope="module")
def whole(shapes, shapes_set, tmp_path_factory):
    """The folder of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    shapes.train(shapes_set, out, held_out=2, workers=1, **ROUNDS)
    return out


@pytest.mark.parametrize(
    ("often", "at"),
    [
        pytest.param(300, 9, id="at a round's end", marks=pytest.mark.long),
        pytest.param(0, 9, id="within a round"),
        pytest.param(0, 8, id="as a round begins", marks=pytest.mark.long),
    ],
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(often, at, whole, shapes, start_shapes, shapes_set, tmp_path):
    """What was kept last is the state after the last round, which was step 8, or after the last step."""
    out = tmp_path / "run"
    options = ROUNDS | {"held_out": 2, "workers": 3}
    with start_shapes(shapes_set, out, options, "--kill-at", at, "--often", often) as process:
        process.communicate(timeout=200)
    assert process.returncode not in (0, 1)
    assert state_of(out)["global_step"] == (8 if often else at)
    fitted = shapes.train(shapes_set, out, resume=True, **options)
    assert_same_state(whole, out)
    assert rows_of(out) == rows_of(whole)
    assert fitted.steps == 20


@pytest.mark.long
def test_a_seed_decides_everything(whole, shapes, shapes_set, tmp_path):
    same = shapes.train(shapes_set, tmp_path / "same", held_out=2, workers=4, **ROUNDS)
    assert_same_state(whole, tmp_path / "same")
    other = shapes.train(shapes_set, tmp_path / "other", held_out=2, seed=1, **QUICK | {"epochs": 1})
    assert same.rows[0]["loss"] != other.rows[0]["loss"]


@pytest.mark.long
def test_ctrl_c_within_a_round_ends_in_good_order(whole, shapes, shapes_set, tmp_path, monkeypatch):
    from liveseg.train.module import Trainee

    out, step = tmp_path / "run", Trainee.training_step

    def interrupted(self, batch, number):
        if (self.global_step, number % 2) == (10, 0):
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, number)

    monkeypatch.setattr(Trainee, "training_step", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingStoppedError, match=r"stopped after step 11 of 20; .* same command and --resume"):
        shapes.train(shapes_set, out, held_out=2, workers=2, **ROUNDS)
    assert signal.getsignal(signal.SIGINT) == before
    assert state_of(out)["global_step"] == 11
    monkeypatch.undo()
    fitted = shapes.train(shapes_set, out, held_out=2, workers=2, resume=True, **ROUNDS)
    assert_same_state(whole, out)
    assert rows_of(out) == rows_of(whole)
    assert fitted.steps == 20


def test_ctrl_c_before_the_first_step_is_the_callers(shapes, shapes_set, tmp_path, monkeypatch):
    from liveseg.train.module import Trainee

    monkeypatch.setattr(Trainee, "configure_optimizers", lambda _: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        shapes.train(shapes_set, tmp_path / "run", **QUICK)
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C goes to a whole group of processes")
def test_ctrl_c_at_any_time_ends_in_good_order(whole, shapes, start_shapes, shapes_set, tmp_path):
    out = tmp_path / "run"
    options = ROUNDS | {"held_out": 2, "workers": 2}
    with start_shapes(shapes_set, out, options) as process:
        until = time.monotonic() + 150
        while not (out / "metrics.csv").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "TrainingStoppedError: stopped after step" in said.splitlines()[-1]
    assert said.splitlines()[-1].endswith("keeps all of it: go on with the same command and --resume")
    assert 0 < state_of(out)["global_step"] < 20
    shapes.train(shapes_set, out, resume=True, **options)
    assert_same_state(whole, out)


@pytest.mark.long
def test_nothing_is_said_in_a_pipe(start_shapes, shapes_set, tmp_path):
    with start_shapes(shapes_set, tmp_path / "run", QUICK | {"epochs": 1}, cwd=tmp_path) as process:
        said, complaints = process.communicate(timeout=200)
    assert process.returncode == 0
    assert json.loads(said)["steps"] >= 1
    assert complaints == ""
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_finished_run_has_nothing_to_go_on_with(whole, shapes, shapes_set, monkeypatch):
    monkeypatch.setattr(fit_module._Run, "train", lambda *_, **__: pytest.fail("it trained again"))
    fitted = shapes.train(shapes_set, whole, held_out=2, resume=True, **ROUNDS)
    assert fitted.steps == 20
    assert fitted.rows[-1]["step"] == 20


def test_a_run_is_gone_on_with_as_it_began(whole, shapes, shapes_set):
    with pytest.raises(UsageError, match=r"other options \(--lr: 0.0001 then, 0.1 now\); give the same, or leave out"):
        shapes.train(shapes_set, whole, held_out=2, resume=True, **ROUNDS | {"lr": 0.1})
    with pytest.raises(UsageError, match="another set of photos"):
        shapes.train(shapes_set, whole, held_out=1, resume=True, **ROUNDS)


def test_a_damaged_checkpoint_is_named(shapes, shapes_set, tmp_path):
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    last.parent.mkdir(parents=True)
    last.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"last\.ckpt cannot be read as a checkpoint"):
        shapes.train(shapes_set, tmp_path / "run", resume=True, **QUICK)


@pytest.mark.long
def test_training_ends_early_where_nothing_becomes_better(shapes, shapes_set, tmp_path):
    options = QUICK | {"lr": 1e-8, "patience": 2}
    fitted = shapes.train(shapes_set, tmp_path / "run", **options)
    assert fitted.steps < fitted.plan.steps
    again = shapes.train(shapes_set, tmp_path / "run", resume=True, **options)
    assert again.steps == fitted.steps, "and it stays ended"


def test_without_photos_to_measure_on_the_last_weights_are_kept(shapes, shapes_set, tmp_path):
    from liveseg.datasets import open_dataset
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import make_start

    photos = open_dataset(shapes_set)
    options = TrainOptions(**QUICK | {"epochs": 2})
    start = make_start("lite", photos.labels)
    fitted = fit(start, photos.samples, photos.limit(0), options, RunFolder(tmp_path / "run"))
    assert fitted.miou is None
    assert fitted.step == fitted.steps
    assert not list((tmp_path / "run").glob("samples/*"))


@pytest.mark.long
def test_a_budget_of_minutes_is_about_kept(shapes, shapes_set, tmp_path):
    began = time.monotonic()
    fitted = shapes.train(shapes_set, tmp_path / "run", crop=33, batch=2, minutes=0.05)
    assert fitted.plan.steps > 1
    assert time.monotonic() - began < 60
    resumed = shapes.train(shapes_set, tmp_path / "run", crop=33, batch=2, minutes=0.05, resume=True)
    assert resumed.plan == fitted.plan, "the pace is measured once"


@pytest.mark.parametrize("model", ["lraspp", pytest.param("deeplabv3", marks=pytest.mark.long)])
def test_other_networks_learn_too(model, shapes, shapes_set, tmp_path):
    options = {"crop": 64, "batch": 2, "epochs": 2, "schedule": "cosine", "class_balance": "sampling", "boundary": 1.0}
    fitted = shapes.train(shapes_set, tmp_path / "run", model=model, begin="none", **options)
    assert np.isfinite([row["loss"] for row in fitted.rows]).all()
    assert fitted.plan.freeze == "none", "nothing of it has learned anything yet"


@pytest.mark.long
def test_a_teacher_teaches_photos_without_masks(shapes, shapes_set, tmp_path):
    from liveseg.datasets import open_dataset
    from liveseg.labels import LabelSet
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import make_start
    from liveseg.train.teacher import TeacherLogits
    from liveseg.train.teacher_writer import LogitsWriter

    photos = open_dataset(shapes_set)
    labels = LabelSet(photos.labels.names, photos.labels.palette)
    with LogitsWriter(tmp_path / "teacher.json", labels, {"teacher": "the masks"}) as writer:
        for sample in photos:
            certain = np.eye(4, dtype=np.float32)[sample.read_mask()[4::8, 4::8]].transpose(2, 0, 1)
            writer.add(sample.key, certain * 8 - 4)
    teacher = TeacherLogits.open(tmp_path / "teacher.json")
    paths = [sample.image for sample in photos]
    options = TrainOptions(crop=65, batch=3, epochs=60, lr=1e-3, augment="none", freeze="none", device="cpu")
    start = make_start("lite", labels, default_size=65)
    fitted = fit(start, (), photos, options, RunFolder(tmp_path / "run"), teacher=teacher, unlabelled=paths)
    assert fitted.miou > 0.5


def test_a_loss_that_is_no_number_is_named(shapes, shapes_set, tmp_path, monkeypatch):
    from liveseg.train.module import Trainee

    monkeypatch.setattr(Trainee, "loss_of", lambda self, _batch: self.loss_sum * float("nan"))
    with pytest.raises(TrainingFailedError, match=r"the loss of step 1 is no finite number; train with --lr 3e-05"):
        shapes.train(shapes_set, tmp_path / "run", **QUICK)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_short_memory_is_named_with_its_remedy(error, shapes, shapes_set, tmp_path, monkeypatch):
    from liveseg.train.module import Trainee

    def fails(*_):
        raise error

    monkeypatch.setattr(Trainee, "loss_of", fails)
    for length in ({"epochs": 4}, {"epochs": None, "minutes": 1.0}):
        with pytest.raises(TrainingFailedError, match=r"4 pieces of 33 pix.* --batch 2 --accumulate 4, or with a sm"):
            shapes.train(shapes_set, tmp_path / "run", **QUICK | {"batch": 4} | length)


@pytest.mark.long
def test_other_arithmetic_and_strictness_are_taken_and_leave_no_trace(shapes, shapes_set, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = cv2.getNumThreads()
    fitted = shapes.train(shapes_set, tmp_path / "run", precision="bfloat16", deterministic=True, **QUICK)
    assert fitted.plan.precision == "bfloat16"
    assert np.isfinite(fitted.rows[-1]["loss"])
    assert next(fitted.network.parameters()).dtype == torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert cv2.getNumThreads() == threads
    assert torch.equal(torch.rand(3), expected)


def test_what_is_missing_is_said_at_once(shapes, shapes_set, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no photos to learn from"):
        shapes.train(shapes_set, tmp_path / "run", held_out=6, **QUICK)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match=r"no cuda here .* use --device cpu"):
            shapes.train(shapes_set, tmp_path / "run", **QUICK | {"device": "cuda"})
    with pytest.raises(UsageError, match="float32 or bfloat16"):
        shapes.train(shapes_set, tmp_path / "run", **QUICK | {"precision": "float16"})
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"training needs TensorBoard: pip install 'liveseg\[train\]'"):
        require_trainer()


@pytest.mark.long
def test_two_processes_learn_what_one_learns(shapes, start_shapes, shapes_set, tmp_path):
    """The head's batch norms see half a batch each, so the weights are near, not equal."""
    options = {"crop": 33, "batch": 4, "epochs": 20, "lr": 1e-3, "augment": "none", "freeze": "none"}
    alone = shapes.train(shapes_set, tmp_path / "one", **options)
    with start_shapes(shapes_set, tmp_path / "two", options | {"batch": 2, "devices": 2}) as process:
        said, complaints = process.communicate(timeout=280)
    assert process.returncode == 0, complaints
    assert complaints == ""
    together = json.loads(said)
    assert together["steps"] == alone.steps
    assert together["miou"] == pytest.approx(alone.miou, abs=0.1)
    assert len(rows_of(tmp_path / "two")) == alone.plan.rounds


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C goes to a whole group of processes")
def test_ctrl_c_ends_two_processes_in_good_order(start_shapes, shapes_set, tmp_path):
    out = tmp_path / "run"
    options = {"crop": 33, "batch": 2, "epochs": 500, "devices": 2}
    with start_shapes(shapes_set, out, options, start_new_session=True) as process:
        until = time.monotonic() + 200
        while not (out / "metrics.csv").exists() and time.monotonic() < until:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=90)
    assert "TrainingStoppedError: stopped after step" in said.strip().splitlines()[-1]
    assert state_of(out)["global_step"] > 0
