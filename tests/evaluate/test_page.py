"""The pages of `liveseg eval` and `liveseg compare`: they stand alone, and their numbers are the result's."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset
from liveseg.evaluate.compare import compare
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.in_turn import evaluate_in_turn
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.page import Extras, page
from liveseg.evaluate.page_compare import comparison_page
from liveseg.evaluate.page_photos import MOST_BYTES, Photo
from liveseg.evaluate.result import ClassScore, Interval
from liveseg.labels import LabelSet, voc_palette
from liveseg.settings import ModelSettings

FEW = EvalOptions(replicates=200, worst=3, threads=1)
SMALL = ModelSettings(size=97, runtime="onnx")

VOID = {"meta", "img", "input"}
LEFT_OPEN = {"td", "tr", "th", "thead", "tbody"}
"""End tags that HTML lets one leave out."""


class Reader(HTMLParser):
    """Reads a page as a browser does, as far as these tests ask."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open[-1] != tag and self.open[-1] in LEFT_OPEN:
            self.open.pop()
        assert self.open, f"</{tag}> of nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag, *names):
        return [own for name, own in self.tags if name == tag and all(each in own for each in names)]


@pytest.fixture(scope="module")
def dataset(labelled_photos):
    return open_dataset(labelled_photos)


@pytest.fixture(scope="module")
def evaluation(dataset):
    return evaluate(SMALL, dataset, options=FEW)


@pytest.fixture(scope="module")
def photo(dataset):
    sample = dataset.samples[0]
    truth = np.zeros((112, 144), np.uint8)
    truth[:, 72:] = 8
    found = truth.copy()
    truth[:16] = 255
    found[40:60, :40] = 15  # invented
    found[40:60, 100:] = 0  # missed
    found[80:100, 100:] = 12  # mixed up
    return Photo(sample.key, sample.image, "bad", sample.read_image(), truth, {"prediction": found})


def counts_of(text):
    return json.loads(re.search(r'<script type="application/json" id="confusion">(.*?)</script>', text)[1])


def test_the_page_loads_nothing_from_anywhere(evaluation, photo, tmp_path):
    text = page(evaluation, tmp_path, Extras([photo], [0.5, 0.25], "liveseg eval pets"))
    read = Reader(text)
    policy = read.all("meta", "http-equiv")[0]["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag, own in read.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "video", "audio", "source")
        assert not own.get("src", "data:image/jpeg").startswith(("http", "/")), own
        assert "://" not in own.get("href", "")
    assert "@import" not in text
    assert "url(" not in text


def test_the_numbers_of_the_cards_are_those_of_the_json(evaluation, tmp_path):
    record = evaluation.to_json()
    text = page(evaluation, tmp_path)
    shown = {own["data-score"]: float(own["data-value"]) for own in Reader(text).all("div", "data-score")}
    assert shown == {name: pytest.approx(own["value"], abs=1e-6) for name, own in record["scores"].items()}
    for own in record["scores"].values():
        assert f"{100 * own['value']:.1f} <span" in text
        assert f"95 % interval {100 * own['low']:.1f} to {100 * own['high']:.1f}" in text


def test_the_rows_of_the_classes_are_those_of_the_json(evaluation, tmp_path):
    text = page(evaluation, tmp_path)
    rows = dict(re.findall(r'<tr data-class="([^"]+)">(.*?)</tr>', text, re.DOTALL))
    told = {own["name"]: own for own in evaluation.to_json()["per_class"] if own["iou"] is not None}
    assert list(rows) == list(told)
    for name, row in rows.items():
        own = told[name]
        values = [float(value) for value in re.findall(r'<td data-value="([^"]+)">', row)]
        expected = [own[score]["value"] for score in ("iou", "accuracy", "precision", "boundary_f") if own[score]]
        assert values == [pytest.approx(value, abs=1e-6) for value in (*expected, own["pixels"], own["images"])]
    absent = [own["name"] for own in evaluation.to_json()["per_class"] if own["iou"] is None]
    assert absent
    assert f"predicted mask: {', '.join(absent)}." in text


def test_the_matrix_holds_every_pixel_and_its_shares(evaluation, tmp_path):
    text = page(evaluation, tmp_path)
    seen = [index for index, own in enumerate(evaluation.per_class) if own.iou is not None]
    assert len(seen) < 21, "classes that are nowhere have no row"
    expected = evaluation.confusion[np.ix_(seen, seen)]
    rebuilt = np.zeros_like(expected)
    for index, row in enumerate(counts_of(text)):
        for column, count in row:
            rebuilt[index, column] = count
    assert (rebuilt == expected).all()
    assert expected.sum() == evaluation.pixels
    body = re.search(r'<table class="matrix".*?<tbody>(.*?)</tbody>', text, re.DOTALL)[1]
    rows = body.split("<tr>")[1:]
    assert [re.search("<th scope=row>([^<]*)", row)[1] for row in rows] == [evaluation.labels.names[i] for i in seen]
    cells = [re.findall(r"<td([^>]*)>([^<]*)", row) for row in rows]
    assert [len(row) for row in cells] == [len(seen)] * len(seen)
    assert all('class="d h' in row[index][0] for index, row in enumerate(cells) if expected[index, index])
    for counts, row in zip(expected, cells, strict=True):
        for count, (_, text) in zip(counts, row, strict=True):
            share = 100 * count / max(counts.sum(), 1)
            assert text == ("" if not count else "&lt;1" if share < 0.5 else f"{share:.0f}" if share < 99.5 else text)
            assert text != "100" or share == 100


def test_pixels_of_no_class_have_a_column(evaluation, tmp_path):
    unsure = evaluation.unknown.copy()
    unsure[8] = 7
    text = page(dataclasses.replace(evaluation, unknown=unsure), tmp_path)
    assert "none (unknown)" in text
    assert [len(counts_of(text)), 7] in [row[-1] for row in counts_of(text) if row]


def test_a_hundred_and_fifty_classes_stay_legible_and_small(evaluation, tmp_path):
    names = tuple(f"class {index}" for index in range(150))
    rng = np.random.default_rng(0)
    many = dataclasses.replace(
        evaluation,
        labels=LabelSet(names, voc_palette(150)),
        confusion=rng.integers(1, 9999, (150, 150)),
        unknown=np.zeros(150, np.int64),
        per_class=tuple(ClassScore(name, 1, 1, 1, Interval(0.5, 0.4, 0.6)) for name in names),
    )
    text = page(many, tmp_path)
    assert len(text) < 1_500_000
    assert len(re.findall(r"<td class=\"(?:d )?h\d+\">", text)) == 150 * 150
    assert 'class="many"' in text
    Reader(text)


def test_names_cannot_break_out_of_the_page(evaluation, photo, tmp_path):
    nasty = "<script>alert('x')</script>&\""
    names = (nasty, *evaluation.labels.names[1:])
    labels = dataclasses.replace(evaluation.labels, names=names)
    first = dataclasses.replace(evaluation.per_class[0], name=nasty)
    changed = dataclasses.replace(
        evaluation,
        dataset=nasty,
        model=nasty,
        labels=labels,
        per_class=(first, *evaluation.per_class[1:]),
        notes=(nasty,),
        machine={"processor": nasty, "versions": {"numpy": nasty}},
    )
    shown = dataclasses.replace(photo, key=nasty, said=nasty, predicted={nasty: photo.predicted["prediction"]})
    text = page(changed, tmp_path, Extras([shown], [0.5], nasty))
    assert "<script>alert" not in text
    assert len(Reader(text).all("script")) == 2


def test_photos_lie_inside_the_page_and_link_to_their_files(evaluation, photo, tmp_path):
    folder = tmp_path / "pages"
    text = page(evaluation, folder, Extras([photo]))
    read = Reader(text)
    pictures = read.all("img")
    assert len(pictures) == 4, "photo, truth, prediction, mistakes"
    assert all(own["alt"] for own in pictures)
    decoded = []
    for own in pictures:
        data = base64.b64decode(own["src"].removeprefix("data:image/jpeg;base64,"))
        assert len(data) <= MOST_BYTES
        with Image.open(io.BytesIO(data)) as image:
            decoded.append(np.asarray(image.convert("RGB")).astype(int))
    (link,) = [own["href"] for own in read.all("a") if not own["href"].startswith("#")]
    assert (folder / unquote(link)).resolve() == photo.path.resolve()
    assert not Path(link).is_absolute()
    mistakes = decoded[3]
    for where, color in (((50, 20), "invented"), ((50, 120), "missed"), ((90, 120), "mixed up"), ((8, 70), "no true")):
        key = re.search(rf'background:#([0-9a-f]{{6}})"></span>[^<]*{color}', text)[1]
        assert np.abs(mistakes[where] - list(bytes.fromhex(key))).max() < 12, color
    red, green, blue = mistakes[70, 30]
    assert max(red, green, blue) - min(red, green, blue) < 12, "what is right is grey"
    assert np.abs(decoded[2][50, 20] - decoded[0][50, 20]).max() > 20, "what was predicted is tinted"


def test_a_large_noisy_photo_still_fits(evaluation, photo, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    mask = np.zeros((900, 900), np.uint8)
    shown = dataclasses.replace(photo, image=noise, truth=mask, predicted={"prediction": mask})
    for own in Reader(page(evaluation, tmp_path, Extras([shown]))).all("img"):
        assert len(base64.b64decode(own["src"].partition(",")[2])) <= MOST_BYTES
        assert int(own["width"]) == 320


def test_each_score_is_explained(evaluation, tmp_path):
    terms = Reader(page(evaluation, tmp_path)).texts["dt"]
    assert terms == [
        "mIoU",
        "pixel accuracy",
        "mean class accuracy",
        "boundary F",
        "calibration error",
        "95 % interval",
    ]


def test_a_comparison_shows_its_differences_and_loads_nothing(dataset, photo, tmp_path):
    ran = evaluate_in_turn([SMALL, dataclasses.replace(SMALL, size=65)], dataset, options=FEW)
    contenders = compare(["lite@97", "lite@65"], ran.evaluations, ran.agreements, in_turn={0, 1})
    both = dataclasses.replace(photo, predicted=dict.fromkeys(("lite@97", "lite@65"), photo.predicted["prediction"]))
    text = comparison_page(contenders, tmp_path, photos=[both], command="liveseg compare")
    read = Reader(text)
    assert [own["data-name"] for own in read.all("tr", "data-name")] == ["lite@97", "lite@65"]
    row = re.search(r'<tr data-name="lite@65">(.*?)</tr>', text, re.DOTALL)[1]
    difference = contenders[1].differences["miou"].value
    assert f'data-value="{difference:.6f}"' in row
    assert f"{100 * contenders[1].agreement.share:.1f}%" in row
    assert len(read.all("img")) == 6, "photo, truth, and of each the mask and the mistakes"
    assert "Quality against rate" in text
    assert not [own for _, own in read.tags if "://" in own.get("href", "") or "http" in own.get("src", "")]
