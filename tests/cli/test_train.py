"""`liveseg train` as its user meets it: a folder of photos becomes a model that `--weights` takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from liveseg.cli.app import run_app

QUICK = ("--epochs", "6", "--size", "97", "--batch", "6", "--crop", "97", "--lr", "2e-3", "--validation", "0.25")


def draw(number):
    """A red ball on grey noise, and its mask."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(60, 140, (5, 6, 1), np.uint8).repeat(3, axis=2)
    photo = cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros((96, 128), np.uint8)
    middle, radius = (int(rng.integers(30, 98)), int(rng.integers(30, 66))), int(rng.integers(18, 28))
    cv2.circle(photo, middle, radius, (230, int(rng.integers(0, 60)), 20), cv2.FILLED)
    cv2.circle(mask, middle, radius, 1, cv2.FILLED)
    return photo, mask


@pytest.fixture(scope="module")
def balls(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "balls"
    for number in range(16):
        for folder, pixels in zip(("images", "masks"), draw(number), strict=True):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / folder / f"{number:02d}.png")
    names = {"names": ["background", "ball"], "palette": [[0, 0, 0], [0, 200, 255]]}
    (root / "labels.json").write_text(json.dumps(names))
    return root


@pytest.fixture(scope="module")
def trained(balls, run_liveseg, tmp_path_factory):
    """The folder in which `runs/balls` was trained, and what was said."""
    folder = tmp_path_factory.mktemp("work")
    done = run_liveseg("train", balls, "-o", "runs/balls", *QUICK, cwd=folder, timeout=280)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_training_says_what_it_does_and_where_everything_lies(trained):
    _, done = trained
    assert "12 photos to learn from, 4 to measure on; background, ball" in done.stderr
    assert "the bundled weights of lite, which know background" in done.stderr
    assert "liveseg run SOURCE --weights runs/balls" in done.stdout
    own = ("warning: ", "note: ", "balls: 12 photos", "training lite, starting with ")
    assert all(line.startswith(own) for line in done.stderr.splitlines()), "nothing of what PyTorch and Lightning say"
    assert "mIoU" in done.stdout
    assert "measured on 4 photos only" in done.stdout


def test_a_run_has_all_that_a_reader_wants(trained):
    run = trained[0] / "runs" / "balls"
    for name in (
        "config.json", "labels.json", "data.json", "metrics.csv", "model.onnx", "model.safetensors", "report.html",
        "report.json", "README.md", "card.jpg", "checkpoints/best.ckpt", "checkpoints/last.ckpt",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    assert config["settings"]["epochs"] == 6
    assert config["command"].startswith("liveseg train balls")
    assert "| ball |" in (run / "README.md").read_text(encoding="utf-8")


def test_the_trained_model_segments_a_video_with_its_names_and_colours(trained, run_liveseg, tmp_path):
    run = trained[0] / "runs" / "balls"
    video = tmp_path / "balls.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for number in range(100, 106):
        writer.write(draw(number)[0][..., ::-1])
    writer.release()
    done = run_liveseg("run", video, "--weights", run, "-o", tmp_path / "out.mp4", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["model"] == "balls"
    photo, truth = draw(200)
    Image.fromarray(photo).save(tmp_path / "ball.png")
    done = run_liveseg("run", tmp_path / "ball.png", "--weights", run, "--save", "mask", "-o", tmp_path / "mask.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.getpalette()[3:6] == [0, 200, 255]
        found = np.asarray(mask)
    ball = truth == 1
    assert (found[ball] == 1).mean() > 0.7
    assert (found[~ball] == 1).mean() < 0.3


@pytest.mark.long
def test_a_run_that_was_cut_off_at_its_end_is_finished_without_training_again(trained, balls, run_liveseg, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(trained[0], work)
    run = work / "runs" / "balls"
    best = (run / "checkpoints" / "best.ckpt").read_bytes()
    for name in ("README.md", "model.onnx", "model.safetensors"):
        (run / name).unlink()
    arguments = ["train", balls, "-o", "runs/balls", *QUICK]
    refused = run_liveseg(*arguments, "--resume", "--seed", "4", cwd=work)
    assert refused.returncode == 2
    assert "--seed was 0, not 4" in refused.stderr
    unfinished = run_liveseg("run", balls / "images" / "00.png", "--weights", run)
    assert unfinished.returncode == 1
    assert "is not finished" in unfinished.stderr
    done = run_liveseg(*arguments, "--resume", "--json", cwd=work, timeout=280)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["classes"] == ["background", "ball"]
    assert report["scores"]["miou"]["value"] > 0.5
    assert (run / "checkpoints" / "best.ckpt").read_bytes() == best
    again = run_liveseg(*arguments, "--resume", cwd=work)
    assert (again.returncode, again.stdout) == (0, "")
    assert "finished already" in again.stderr
    again = run_liveseg(*arguments, "--resume", "--json", cwd=work)
    assert json.loads(again.stdout) == report
    shown = run_liveseg("info", "runs/balls", "--json", cwd=work)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["contract"]["labels"]["classes"] == report["classes"]


@pytest.fixture
def here(monkeypatch, capsys):
    """`here(*words)`: the command in this process; gives its exit code and the last line of what it complained."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["liveseg", "train", *map(str, words)])
        code = run_app()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.err

    return run


def test_a_run_that_is_there_is_not_replaced(trained, balls, here):
    code, said = here(balls, "-o", trained[0] / "runs" / "balls", *QUICK)
    assert (code, said.count("\n")) == (1, 1)
    assert "holds a run already" in said


def test_bad_data_stops_training_with_a_list_and_leaves_no_run(balls, here, tmp_path):
    bad = tmp_path / "bad"
    shutil.copytree(balls, bad)
    (bad / "masks" / "03.png").unlink()
    Image.fromarray(np.full((96, 128), 7, np.uint8)).save(bad / "masks" / "05.png")
    code, said = here(bad, "-o", tmp_path / "run", *QUICK)
    assert code == 1
    assert "2 errors that would spoil the training" in said.splitlines()[-1]
    for words in ("error: ", "03", "05.png", "add the mask"):
        assert words in said, words
    assert not (tmp_path / "run").exists()
    (bad / "masks" / "05.png").unlink()
    (bad / "images" / "05.png").unlink()
    (bad / "images" / "03.png").unlink()
    shutil.rmtree(bad / "masks")
    code, said = here(bad, "-o", tmp_path / "run")
    assert code == 1
    assert "no data set that is known" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 1, "no such folder or file: nowhere"),
        ([".", "--resume"], 1, "leave out --resume"),
        ([".", "--resume", "--overwrite"], 2, "choose one"),
        ([".", "--model", "lit"], 2, "no such model"),
        ([".", "--epochs", "2", "--minutes", "3"], 2, "choose one"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, code, words, here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, said = here(*arguments)
    assert (found, said.count("\n")) == (code, 1)
    assert words in said
    assert not list(tmp_path.iterdir()), "and nothing is left behind"


def test_what_is_wrong_with_the_data_is_told_without_waiting_for_pytorch(tmp_path):
    program = (
        "import sys\nfrom liveseg.cli.app import run_app\nsys.argv = ['liveseg', 'train', 'nowhere']\n"
        "print(run_app(), *(name for name in ('torch', 'pytorch_lightning') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "1\n"
    assert done.stderr == "liveseg: no such folder or file: nowhere\n"


def test_without_pytorch_the_extra_is_named(balls, here, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, said = here(balls, "-o", tmp_path / "run")
    assert (code, said) == (1, "liveseg: training needs PyTorch: pip install 'liveseg[train]'\n")
