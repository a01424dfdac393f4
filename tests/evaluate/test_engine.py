import gc
import json
import subprocess
import sys
import textwrap
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from liveseg import Segmenter
from liveseg.contract import ModelContract
from liveseg.datasets.open import open_dataset
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.evaluate import workers
from liveseg.evaluate.engine import evaluate, evaluate_masks, evaluation_of_record
from liveseg.evaluate.examples import examples
from liveseg.evaluate.options import EvalOptions
from liveseg.labels import PASCAL_VOC
from liveseg.settings import ModelSettings
from liveseg.weights.locate import bundled

LITE = ModelSettings(threads=1, size=129)
FAST = EvalOptions(threads=1, replicates=40, worst=3)
TIMES = {"rate", "line_rate", "seconds", "stages", "date", "workers", "threads", "machine"}


def bits(evaluation):
    """All of an evaluation but what depends on the machine and the moment."""
    record = evaluation.to_json()
    return {name: record[name] for name in record if name not in TIMES}


@pytest.fixture(scope="module")
def plain(photos):
    return evaluate(LITE, open_dataset(photos, labels="voc"), options=FAST)


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(threads=1, size=129)


def test_the_counts_are_those_of_masks_that_run_would_make(plain, segmenter, dataset):
    matrix = np.zeros((21, 21), np.int64)
    for sample in dataset:
        truth, found = sample.read_mask(), segmenter(sample.image).mask
        matrix += confusion_matrix(truth[truth < 21], found[truth < 21], labels=range(21))
    assert np.array_equal(plain.confusion, matrix)
    assert plain.images == 12
    assert plain.pixels == matrix.sum()
    assert (plain.model, plain.runtime, plain.size) == ("lite", "onnx", 129)
    assert set(plain.scores) == {"miou", "pixel_accuracy", "class_accuracy", "boundary_f", "ece"}
    assert set(plain.stages) == {"read", "preprocess", "infer", "postprocess", "count"}
    assert plain.line_rate > plain.rate * 0.5 > 0
    assert all(own.low <= own.value <= own.high for own in plain.scores.values())


def test_a_loaded_model_gives_the_same_as_its_settings(plain, segmenter, dataset):
    own = bits(evaluate(segmenter, dataset, options=FAST))
    theirs = bits(plain)
    del own["settings"], theirs["settings"]
    assert own == theirs


def test_workers_give_the_same_bits(plain, dataset):
    shared = evaluate(LITE, dataset, options=replace(FAST, workers=2, threads=2))
    assert bits(shared) == bits(plain)
    assert (shared.workers, shared.threads) == (2, 1)


def test_a_stopped_run_goes_on_where_it_was(plain, segmenter, dataset, tmp_path):
    record = tmp_path / "record.jsonl"

    def stop(done, total, miou):
        assert total == 12
        assert 0 <= miou <= 1
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(segmenter, dataset, options=FAST, record=record, progress=stop)
    assert len(record.read_bytes().splitlines()) == 6
    record.write_bytes(record.read_bytes()[:-9])
    seen = []
    resumed = evaluate(segmenter, dataset, options=FAST, record=record, progress=lambda *told: seen.append(told))
    assert [done for done, _, _ in seen] == list(range(1, 13))
    assert bits(resumed)["scores"] == bits(plain)["scores"]
    assert bits(resumed)["replicates"] == bits(plain)["replicates"]
    assert bits(resumed)["worst"] == bits(plain)["worst"]
    assert bits(evaluation_of_record(record, options=FAST)) == bits(resumed)


def test_what_is_recorded_is_not_done_again(dataset, segmenter, tmp_path, monkeypatch):
    record = tmp_path / "record.jsonl"
    done = evaluate(segmenter, dataset, options=FAST, record=record)
    content = record.read_bytes()
    monkeypatch.setattr(Segmenter, "segment", None)
    again = evaluate(segmenter, dataset, options=FAST, record=record)
    assert bits(again) == bits(done)
    assert again.seconds == pytest.approx(done.seconds, abs=1e-4)
    assert record.read_bytes() == content


def test_a_killed_run_goes_on_with_other_workers_however_far_they_may_go_ahead(
    plain, photos, dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "_AHEAD", 1)
    monkeypatch.setattr(workers, "_WINDOW", 1)
    record = tmp_path / "record.jsonl"
    program = f"""
        import os, signal
        from liveseg.datasets.open import open_dataset
        from liveseg.evaluate.engine import evaluate
        from liveseg.evaluate.options import EvalOptions
        from liveseg.settings import ModelSettings

        def die(done, total, miou):
            if done == 4:
                os.kill(os.getpid(), signal.SIGTERM)

        if __name__ == "__main__":
            evaluate(ModelSettings(threads=1, size=129), open_dataset({str(photos)!r}, labels="voc"),
                     options=EvalOptions(threads=1), record={str(record)!r}, progress=die)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=120)
    assert done.returncode != 0
    assert len(record.read_bytes().splitlines()) == 5
    resumed = evaluate(LITE, dataset, options=replace(FAST, workers=2, threads=2), record=record)
    assert bits(resumed) == bits(plain)


def test_a_record_of_other_settings_is_refused(dataset, segmenter, tmp_path):
    record = tmp_path / "record.jsonl"
    evaluate(segmenter, dataset.limit(2), options=FAST, record=record)
    with pytest.raises(UsageError, match="its images are others"):
        evaluate(segmenter, dataset, options=FAST, record=record)
    with pytest.raises(UsageError, match="its size is 129, not 161"):
        evaluate(Segmenter(threads=1, size=161), dataset.limit(2), options=FAST, record=record)
    with pytest.raises(UsageError, match="its boundary is True, not False"):
        evaluate(segmenter, dataset.limit(2), options=replace(FAST, boundary=False), record=record)
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(lines[0] + lines[2] + lines[1])
    with pytest.raises(UsageError, match="out of turn"):
        evaluate(segmenter, dataset.limit(2), options=FAST, record=record)


def test_a_record_tells_weights_of_one_name_apart(dataset, tmp_path, require_module):
    require_module("onnx", "onnx")
    import onnx

    own, record = tmp_path / "own.onnx", tmp_path / "record.jsonl"
    own.write_bytes(bundled("lite", "onnx").read_bytes())
    settings = ModelSettings(weights=own, threads=1, size=129)
    evaluate(settings, dataset.limit(1), options=FAST, record=record)
    model = onnx.load(own)
    model.doc_string = "the same, said otherwise"
    onnx.save(model, own)
    with pytest.raises(UsageError, match="its weights are others"):
        evaluate(settings, dataset.limit(1), options=FAST, record=record)


@pytest.fixture
def damaged(photos, tmp_path):
    folder = tmp_path / "damaged"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
        for path in sorted((photos / name).iterdir())[:6]:
            (folder / name / path.name).write_bytes(path.read_bytes())
    (folder / "images" / "p02.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    Image.new("L", (5, 5)).save(folder / "masks" / "p04.png")
    return open_dataset(folder, labels="voc")


def test_a_photo_that_cannot_be_read_is_named_or_skipped(damaged, dataset, segmenter, tmp_path):
    record = tmp_path / "record.jsonl"
    with pytest.raises(DataError, match=r"p02\.png.*--skip-bad"):
        evaluate(segmenter, damaged, options=FAST, record=record)
    assert len(record.read_bytes().splitlines()) == 3
    found = evaluate(segmenter, damaged, options=replace(FAST, skip_bad=True), record=record)
    assert (found.images, found.skipped) == (4, 2)
    assert "p02.png" in found.skipped_why[0]
    assert "5 x 5" in found.skipped_why[1]
    left = evaluate(segmenter, dataset.subset(["p00", "p01", "p03", "p05"]), options=FAST)
    assert np.array_equal(found.confusion, left.confusion)
    assert found.scores == left.scores
    with pytest.raises(DataError, match=r"p02\.png"):
        evaluate(segmenter, damaged, options=FAST, record=record)


def test_workers_fail_at_the_photo_that_one_process_fails_at(damaged, tmp_path):
    record = tmp_path / "record.jsonl"
    with pytest.raises(DataError, match=r"p02\.png.*--skip-bad"):
        evaluate(LITE, damaged, options=replace(FAST, workers=2, threads=2), record=record)
    assert len(record.read_bytes().splitlines()) == 3


def test_sets_without_a_pixel_that_counts_are_refused(photos, tmp_path, segmenter, dataset):
    with pytest.raises(DataError, match="has no photos"):
        evaluate(segmenter, dataset.limit(0))
    (tmp_path / "masks").mkdir()
    Image.new("L", dataset.samples[0].read_mask().shape[::-1], 255).save(tmp_path / "masks" / "p00.png")
    empty = open_dataset(photos, masks=tmp_path / "masks", labels="voc").limit(1)
    with pytest.raises(DataError, match="255 everywhere"):
        evaluate(segmenter, empty)
    for path in (tmp_path / "masks").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 1 photos could be read"):
        evaluate(segmenter, empty, options=EvalOptions(skip_bad=True))


def test_a_worker_that_dies_is_named_with_its_photo(dataset, tmp_path):
    import multiprocessing

    record = tmp_path / "record.jsonl"

    def kill(done, total, miou):
        if done == 1:
            for child in multiprocessing.active_children():
                child.kill()
                child.join()

    with pytest.raises(
        Exception, match=r"worker [12] of 2 (was killed by signal 9|ended with exit code \d+) at p\d\d;"
    ):
        evaluate(LITE, dataset, options=replace(FAST, workers=2, threads=2), record=record, progress=kill)
    assert multiprocessing.active_children() == []
    lines = record.read_text(encoding="utf-8").splitlines()
    assert 2 <= len(lines) < 13
    assert all(json.loads(line) for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals as POSIX has them")
def test_ctrl_c_leaves_the_record_whole_and_no_worker_behind(photos, tmp_path):
    record = tmp_path / "record.jsonl"
    program = f"""
        import os, signal, sys
        from liveseg.datasets.open import open_dataset
        from liveseg.evaluate.engine import evaluate
        from liveseg.evaluate.options import EvalOptions
        from liveseg.settings import ModelSettings

        def told(done, total, miou):
            if done == 3:
                os.killpg(0, signal.SIGINT)

        if __name__ == "__main__":
            try:
                evaluate(ModelSettings(threads=1, size=129), open_dataset({str(photos)!r}, labels="voc"),
                         options=EvalOptions(workers=2, threads=2), record={str(record)!r}, progress=told)
            except KeyboardInterrupt:
                import multiprocessing
                sys.exit(40 + len(multiprocessing.active_children()))
    """
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], check=False, timeout=120, capture_output=True, text=True, start_new_session=True
    )
    assert done.returncode == 40, done.stderr
    assert done.stderr == ""
    content = record.read_bytes()
    assert content.endswith(b"\n")
    assert len(content.splitlines()) >= 4


class Echo:
    """A network that says nothing of a picture: its logits are the picture's first channel, in two classes."""

    name = "echo"
    device = "cpu"
    precision = "float32"

    def __init__(self, labels=PASCAL_VOC):
        self.contract = ModelContract("echo", labels, default_size=16)

    def __call__(self, images):
        logits = np.zeros((1, len(self.contract.labels), 8, 8), np.float32)
        logits[0, 8] = images[0, :8, :8, 0].astype(np.float32) / 64 - 2
        return logits


def test_memory_does_not_grow_with_the_images(tmp_path):
    for name, picture in (("images", Image.new("RGB", (24, 16), "navy")), ("masks", Image.new("L", (24, 16), 8))):
        (tmp_path / name).mkdir()
        picture.save(tmp_path / name / "one.png")
    dataset = open_dataset(tmp_path, labels="voc")
    samples = tuple(replace(dataset.samples[0], key=f"{number:05}") for number in range(500))
    held = []

    def look(done, total, miou):
        if done in (100, 500):
            gc.collect()  # what waits to be collected is not held
            held.append(tracemalloc.get_traced_memory()[0])

    segmenter = Segmenter.from_runtime(Echo())
    tracemalloc.start()
    try:
        evaluate(segmenter, replace(dataset, samples=samples), options=FAST, progress=look)
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 40_000  # 100 bytes an image: less than its key and its counts


def test_unsure_pixels_count_as_wrong(dataset, plain):
    found = evaluate(LITE, dataset, options=replace(FAST, unknown=0.8))
    assert found.pixels == plain.pixels
    assert 0 < found.unknown.sum() < found.pixels
    assert (found.confusion.sum(axis=1) + found.unknown == plain.confusion.sum(axis=1)).all()
    assert found.scores["pixel_accuracy"].value < plain.scores["pixel_accuracy"].value
    assert found.settings["unknown"] == 0.8


def test_fewer_classes_than_the_models_count_the_others_as_background(photos, tmp_path, segmenter):
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"names": ["background", "cat"]}), encoding="utf-8")
    for path in (photos / "masks").iterdir():
        mask = np.asarray(Image.open(path))
        Image.fromarray(np.where(mask == 8, 1, np.where(mask == 255, 255, 0)).astype(np.uint8)).save(
            tmp_path / path.name
        )
    dataset = open_dataset(photos, masks=tmp_path, labels=names)
    found = evaluate(segmenter, dataset, options=FAST)
    assert found.labels.names == ("background", "cat")
    assert not found.unknown.any()
    assert any("count as background" in note for note in found.notes)
    cat = sum(int((segmenter(own.image).mask == 8)[own.read_mask() < 2].sum()) for own in dataset)
    assert found.per_class[1].found == cat


def test_masks_in_files_score_as_those_of_the_network_that_made_them(plain, segmenter, dataset, tmp_path):
    for style in ("{}.png", "{}_mask.png", "{}_lite_mask.png"):
        folder = tmp_path / style.strip("{}.")
        for sample in dataset:
            segmenter(sample.image).save_mask(folder / style.format(sample.key))
        found = evaluate_masks(dataset, folder, options=FAST)
        assert np.array_equal(found.confusion, plain.confusion)
        assert {name: own for name, own in plain.scores.items() if name != "ece"} == found.scores
        assert found.per_class == plain.per_class
        assert (found.model, found.size, found.line_rate, found.calibration) == ("masks", None, None, ())


def test_masks_that_are_not_there_are_said_so(dataset, segmenter, tmp_path):
    with pytest.raises(SourceNotFoundError, match="no such folder"):
        evaluate_masks(dataset, tmp_path / "none")
    with pytest.raises(DataError, match=r"belongs to a photo of .*; a photo named p00 has p00\.png"):
        evaluate_masks(dataset, tmp_path)
    segmenter(dataset.samples[0].image).save_mask(tmp_path / "p00.png")
    with pytest.raises(DataError, match=r"no predicted mask for .*p01"):
        evaluate_masks(dataset, tmp_path)
    assert evaluate_masks(dataset, tmp_path, options=EvalOptions(skip_bad=True)).skipped == 11


def test_examples_are_the_photos_with_both_masks(plain, segmenter, dataset, tmp_path):
    keys = [own.key for own in plain.worst]
    drawn = list(examples(LITE, dataset, keys, options=FAST))
    assert [own.key for own in drawn] == keys
    for own in drawn:
        (sample,) = dataset.subset([own.key])
        assert np.array_equal(own.image, sample.read_image())
        assert np.array_equal(own.truth, sample.read_mask())
        assert np.array_equal(own.found, segmenter(sample.image).mask)
        segmenter(sample.image).save_mask(tmp_path / f"{own.key}.png")
    again = list(examples(tmp_path, dataset, keys))
    assert all(np.array_equal(own.found, other.found) for own, other in zip(drawn, again, strict=True))


def test_options_that_contradict_each_other_are_refused(segmenter, dataset):
    with pytest.raises(UsageError, match="several workers"):
        evaluate(segmenter, dataset, options=EvalOptions(workers=2))
    with pytest.raises(UsageError, match="say unknown where the model is loaded"):
        evaluate(segmenter, dataset, options=EvalOptions(unknown=0.5))
    for name, value in (("workers", 0), ("worst", -1), ("replicates", 0), ("threads", 1.5)):
        with pytest.raises(UsageError, match=f"{name} is a whole number"):
            EvalOptions(**{name: value})
