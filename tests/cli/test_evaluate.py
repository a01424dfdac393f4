"""`liveseg eval` and `liveseg compare` as their user meets them."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import SinkError
from liveseg.evaluate.result import load_evaluation

QUICK = ("--size", 97, "--threads", 1, "--runtime", "onnx")


def test_eval_prints_tables_and_writes_its_json_its_page_and_its_record(run_liveseg, labelled_photos, tmp_path):
    files = ("--json", "r.json", "--html", "r.html", "--record", "r.jsonl", "--worst", 2)
    done = run_liveseg("eval", labelled_photos, *QUICK, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json", "r.jsonl"]
    evaluation = load_evaluation(tmp_path / "r.json")
    assert evaluation.images == 5
    assert len(evaluation.worst) == 2, "the page knows all photos, the JSON as many as were asked for"
    miou = evaluation.scores["miou"]
    assert f"| mIoU | {100 * miou.value:.1f} | {100 * miou.low:.1f} to {100 * miou.high:.1f} |" in done.stdout
    assert "| cat | " in done.stdout
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert f'data-score="miou" data-value="{miou.value:.6f}"' in page
    assert page.count('<article class="photo">') == 2
    bars = [int(number) for number in re.findall(r"to \d+: (\d+)</title>", page)]
    assert sum(bars) == 5
    assert "liveseg eval pets --size 97" in page, "the command stands there, without folders"

    again = run_liveseg("eval", labelled_photos, *QUICK, *files, cwd=tmp_path)
    assert again.returncode == 1
    assert "--overwrite" in again.stderr
    again = run_liveseg("eval", labelled_photos, *QUICK, *files, "--overwrite", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert load_evaluation(tmp_path / "r.json").scores == evaluation.scores
    stages = load_evaluation(tmp_path / "r.json").stages
    assert stages == pytest.approx(dict(evaluation.stages), abs=1e-3), "nothing was measured again"


def test_json_on_standard_output_is_nothing_but_json(run_liveseg, labelled_photos):
    done = run_liveseg("eval", labelled_photos, *QUICK, "--limit", 2, "--json", "-", "--no-boundary")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["images"] == 2
    assert "boundary_f" not in record["scores"]
    assert record["size"] == 97


def test_masks_that_are_there_are_scored_without_a_model(run_liveseg, labelled_photos, tmp_path):
    done = run_liveseg(
        "eval", labelled_photos, "--predictions", labelled_photos / "masks", "--html", "r.html", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "| mIoU | 100.0 |" in done.stdout
    assert "masks from files" in done.stdout


def test_what_is_kept_for_measuring_is_measured_on(run_liveseg, labelled_photos, tmp_path):
    for part, names in (("train", ("photo_0", "photo_1")), ("val", ("photo_2",))):
        for kind, ending in (("images", "jpg"), ("masks", "png")):
            (tmp_path / "set" / part / kind).mkdir(parents=True)
            for name in names:
                shutil.copy(labelled_photos / kind / f"{name}.{ending}", tmp_path / "set" / part / kind)
    shutil.copy(labelled_photos / "labels.json", tmp_path / "set")
    done = run_liveseg("eval", tmp_path / "set", *QUICK, "--json", "-")
    assert json.loads(done.stdout)["images"] == 1
    assert "val" in done.stderr
    done = run_liveseg("eval", tmp_path / "set", *QUICK, "--json", "-", "--split", "train", "--quiet")
    assert json.loads(done.stdout)["images"] == 2
    assert done.stderr == ""


def test_a_photo_without_a_readable_mask_ends_it_or_is_left_out(run_liveseg, labelled_photos, tmp_path):
    folder = tmp_path / "pets"
    shutil.copytree(labelled_photos, folder)
    (folder / "masks" / "photo_1.png").write_bytes(b"broken")
    done = run_liveseg("eval", folder, *QUICK)
    assert done.returncode == 1
    assert "photo_1" in done.stderr
    assert "--skip-bad" in done.stderr
    done = run_liveseg("eval", folder, *QUICK, "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert "left out: 1 photo that could not be read" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["nothing"], 1, "nothing"),
        (["DATA", "--model", "lit"], 2, "lite"),
        (["DATA", "--html", "page.pdf"], 2, ".html"),
        (["DATA", "--predictions", "masks", "--model", "lite"], 2, "--predictions"),
        (["DATA", "--predictions", "masks", "--size", "97", "--runtime", "torch"], 2, "leave out --runtime, --size"),
        (["DATA", "--layout", "voc"], 1, "JPEGImages"),
        (["DATA", "--split", "dev"], 2, "dev"),
        (["DATA", "--unknown", "2"], 2, "share"),
        (["DATA", "--html", "r.html", "--json", "./r.html"], 2, "--json"),
        (["DATA", "--json", "r.jsonl", "--record", "r.jsonl"], 2, "--record"),
        (["DATA", "--record", "."], 1, "folder"),
    ],
)
def test_a_mistake_is_one_line(run_liveseg, labelled_photos, tmp_path, arguments, code, word):
    typed = [labelled_photos if word == "DATA" else word for word in arguments]
    done = run_liveseg("eval", *typed, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_compare_runs_in_turn_and_says_what_differs(run_liveseg, labelled_photos, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    files = ("--json", "c.json", "--html", "c.html", "--plot", "c.svg", "--worst", 1)
    done = run_liveseg(
        "compare", "lite/onnx@97", "lite/onnx@65:float32", labelled_photos / "masks", "--data", labelled_photos,
        "--threads", 1, *files, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    first, second, masks = record["compared"]
    assert [own["name"] for own in record["compared"]] == ["lite/onnx@97", "lite/onnx@65:float32", "masks"]
    assert (first["evaluation"]["size"], second["evaluation"]["size"]) == (97, 65)
    assert masks["differences"]["miou"]["value"] > 0
    assert second["ratio"] == pytest.approx(second["rate"] / first["rate"])
    assert f"{second['ratio']:.2f} times" in done.stdout
    assert f"{second['agreement']['share']:.2%}" in done.stdout
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert page.count('<article class="photo">') == 1
    assert str(tmp_path) not in page, "folders are nobody else's business"
    assert (tmp_path / "c.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_compare_tells_folders_of_one_name_apart(run_liveseg, labelled_photos, tmp_path):
    folders = [tmp_path / name / "masks" for name in ("old", "new")]
    for folder in folders:
        shutil.copytree(labelled_photos / "masks", folder)
    done = run_liveseg("compare", *folders, "--data", labelled_photos, "--html", "c.html", "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [own["name"] for own in json.loads(done.stdout)["compared"]] == list(map(str, folders))
    assert '<article class="photo">' in (tmp_path / "c.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_results_made_earlier_are_compared_without_running_anything(run_liveseg, labelled_photos, tmp_path):
    for name, size, more in (("a.json", 97, ()), ("b.json", 65, ("--record", "b.jsonl"))):
        run_liveseg(
            "eval", labelled_photos, "--size", size, "--threads", 1, "--runtime", "onnx", "--json", name, *more,
            cwd=tmp_path,
        )  # fmt: skip
    done = run_liveseg("compare", "a.json", "b.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| b.json")]
    from_record = run_liveseg("compare", "a.json", "b.jsonl", cwd=tmp_path)
    assert [
        line.replace("b.jsonl", "b.json") for line in from_record.stdout.splitlines() if "| b.jsonl" in line
    ] == rows
    assert "times" not in rows[0], "they did not run in turn"
    mixed = run_liveseg("compare", "a.json", "lite/onnx@65", "--data", labelled_photos, "--threads", 1, cwd=tmp_path)
    assert mixed.returncode == 0, mixed.stderr
    difference = rows[0].split("|")[4]
    assert difference in mixed.stdout, "a result and a run of the same photos are paired"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["lite"], 2, "liveseg eval"),
        (["lite", "lite"], 2, "twice"),
        (["lite", "lite@97"], 2, "--data"),
        (["lite", "lite@big"], 2, "native"),
        (["lite", "gone.onnx", "--data", "DATA"], 1, "gone.onnx"),
        (["lite", "lite@97", "--data", "DATA", "--plot", "p.mp4"], 2, ".png"),
        (["lite", "lite@97", "--data", "DATA", "--plot", "p.png", "--json", "p.png"], 2, "--plot"),
    ],
)
def test_a_mistake_in_a_comparison_is_one_line(run_liveseg, labelled_photos, tmp_path, arguments, code, word):
    typed = [labelled_photos if word == "DATA" else word for word in arguments]
    done = run_liveseg("compare", *typed, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("given", [("eval", "DATA"), ("compare", "lite@65", "lite@97", "--data", "DATA")])
def test_what_cannot_be_written_is_refused_before_the_work(labelled_photos, tmp_path, monkeypatch, given):
    from typer.testing import CliRunner

    from liveseg.cli.app import app
    from liveseg.datasets import open as opening

    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(opening, "open_dataset", lambda *_, **__: pytest.fail("the work began"))
    typed = [str(labelled_photos) if word == "DATA" else word for word in given]
    done = CliRunner().invoke(app, [*typed, "--html", str(tmp_path / "file" / "r.html")])
    assert isinstance(done.exception, SinkError), done.output


@pytest.mark.parametrize("given", [("eval", "DATA"), ("compare", "lite/onnx@65", "lite/onnx@97", "--data", "DATA")])
def test_opencv_takes_the_threads_that_were_asked_for(labelled_photos, monkeypatch, given):
    import cv2
    from typer.testing import CliRunner

    from liveseg.cli.app import app

    told = []
    monkeypatch.setattr(cv2, "setNumThreads", told.append)
    typed = [str(labelled_photos) if word == "DATA" else word for word in given]
    done = CliRunner().invoke(app, [*typed, "--limit", "1", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert told == [1]


def test_masks_that_show_one_class_only_are_remarked_on(run_liveseg, labelled_photos, tmp_path):
    folder = tmp_path / "pets"
    shutil.copytree(labelled_photos, folder)
    for path in (folder / "masks").rglob("*.png"):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8)).save(path)
    done = run_liveseg("eval", folder, *QUICK, "--labels", "voc")
    assert done.returncode == 0, done.stderr
    assert "the true masks show nothing but background" in done.stdout
    assert "--mapping" in done.stdout
    assert "nothing but" not in run_liveseg("eval", labelled_photos, *QUICK, "--limit", 1).stdout
