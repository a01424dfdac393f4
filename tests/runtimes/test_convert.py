"""Each format is held to eager PyTorch on real photos; what differs is not written, unless it is forced."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import onnx
import pytest
from PIL import Image

from liveseg import Segmenter
from liveseg.errors import (
    MissingExtraError,
    OutputExistsError,
    ParityError,
    SourceNotFoundError,
    UsageError,
    WeightsError,
)
from liveseg.models.registry import find_model
from liveseg.runtimes import convert as module
from liveseg.runtimes import export, original
from liveseg.runtimes.convert import Wish, convert, format_of
from liveseg.runtimes.ir import atomic_pair
from liveseg.runtimes.load import Request, load
from liveseg.runtimes.original import Original
from liveseg.runtimes.parity import Picture
from liveseg.weights.locate import bundled

CONTRACT = find_model("lite").contract
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "pt2": ".pt2"}


@pytest.fixture(scope="module")
def pictures(photos):
    return [Picture(photo[0]) for photo in photos(180, 240)]


@pytest.fixture(scope="module", autouse=True)
def _openvino(require_module):
    require_module("openvino", "openvino")


@pytest.mark.parametrize(
    ("format", "runs"),
    [pytest.param("onnx", 2, marks=pytest.mark.long), ("openvino", 1), pytest.param("pt2", 1, marks=pytest.mark.long)],
)
def test_every_format_agrees_with_pytorch_and_carries_its_contract(format, runs, pictures, tmp_path):  # noqa: A002
    target = tmp_path / f"model{SUFFIXES[format]}"
    told = []
    made = convert(Original("lite", None), Wish(target, format), pictures, tell=told.append)
    assert len(made.compared) == runs
    for entry in made.compared:
        assert entry.precision == "float32"
        assert entry.parity.pictures == len(pictures)
        assert entry.parity.agreement >= 0.9999
        assert entry.parity.difference <= 1e-5
    record = made.to_json()
    assert (record["reference"], record["forced"], record["model"]) == ("torch", False, "lite")
    assert sorted(made.files) == sorted(tmp_path.iterdir())
    assert record["bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert load(Request(weights=target)).contract == CONTRACT
    assert told


@pytest.mark.long
@pytest.mark.parametrize(
    ("format", "int8"), [("onnx", False), ("onnx", True), ("openvino", False), ("openvino", True), ("pt2", False)]
)
def test_a_file_of_one_size_takes_all_pictures_at_that(format, int8, pictures, tmp_path):  # noqa: A002
    target = tmp_path / f"model{SUFFIXES[format]}"
    wish = Wish(target, format, size=(230, 170), int8=int8)
    tall = [Picture(pictures[0].image.transpose(1, 0, 2))]
    made = convert(Original("lite", None), wish, pictures + tall, calibration=pictures[:2] if int8 else ())
    assert not made.forced
    segmenter = Segmenter(weights=target)
    assert (segmenter.contract.fixed_size, segmenter.size) == ((161, 225), 161)
    for picture in (pictures[0], *tall):
        found = segmenter(picture.image)
        assert found.mask.shape == picture.image.shape[:2]
        assert found.logits.shape[1:] == (21, 29)
    with pytest.raises(UsageError, match="takes inputs of 225x161 only"):
        Segmenter(weights=target, size=129)
    if format == "onnx":
        own = Original(None, target)
        if not int8:
            with pytest.raises(UsageError, match="takes inputs of 225x161 only; leave out --size"):
                convert(own, Wish(tmp_path / "b.xml", "openvino", size=(129, 129)), pictures)
            assert not (tmp_path / "b.xml").exists()
            same = convert(own, Wish(tmp_path / "b.xml", "openvino", size=(225, 161)), pictures[:1])
            assert not same.forced
        sides = onnx.load(target).graph.input[0].type.tensor_type.shape.dim[1:3]
        assert [side.dim_value for side in sides] == [161, 225]


def test_exported_files_run_without_pytorch(pictures, tmp_path):
    convert(Original("lite", None), Wish(tmp_path / "model.xml", "openvino"), pictures[:1])
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from liveseg import Segmenter\n"
        "found = Segmenter(weights=sys.argv[1])(sys.argv[2])\n"
        "print(found.labels.names[found.areas()[0].index], found.labels.palette[8])"
    )
    Image.fromarray(pictures[0].image).save(tmp_path / "cat.png")
    for model in (tmp_path / "model.xml", bundled("lite", "int8.onnx")):
        done = subprocess.run(
            [sys.executable, "-c", code, model, tmp_path / "cat.png"], capture_output=True, text=True, check=True
        )
        assert done.stdout == "cat (64, 0, 0)\n"


@pytest.mark.long
def test_a_graph_with_another_normalisation_is_refused_and_leaves_nothing(pictures, tmp_path, monkeypatch):
    def write(_network, _contract, path):
        model = onnx.load(bundled("lite", "onnx"))
        mean = next(own for own in model.graph.initializer if own.name == "mean")
        mean.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(mean)[:, ::-1].copy(), "mean"))
        onnx.save(model, str(path))

    monkeypatch.setattr(export, "write_onnx", write)
    with pytest.raises(
        ParityError, match=r"lite as model\.onnx differs.*at least 99\.9%.*nothing was written, --force"
    ):
        convert(Original("lite", None), Wish(tmp_path / "model.onnx", "onnx"), pictures)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_swapped_corners_leave_the_old_file_and_when_forced_say_so(pictures, tmp_path, monkeypatch):
    real = module.write_ir
    monkeypatch.setattr(
        module, "write_ir", lambda graph, contract, path: real(graph, replace(contract, align_corners=False), path)
    )
    target = tmp_path / "model.xml"
    target.write_text("old", encoding="utf-8")
    target.with_suffix(".bin").write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        convert(Original("lite", None), Wish(target, "openvino"), pictures)
    with pytest.raises(ParityError):
        convert(Original("lite", None), Wish(target, "openvino", overwrite=True), pictures)
    assert target.read_text(encoding="utf-8") == "old"
    assert target.with_suffix(".bin").read_bytes() == b"old"
    made = convert(Original("lite", None), Wish(target, "openvino", overwrite=True, force=True), pictures)
    assert made.forced
    assert made.to_json()["forced"]
    assert made.compared[0].parity.agreement < 0.999
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.long
def test_int8_is_calibrated_compared_and_marked(pictures, tmp_path):
    for target, format, runs in [(tmp_path / "a.onnx", "onnx", 2), (tmp_path / "b.xml", "openvino", 1)]:  # noqa: A001
        made = convert(Original("lite", None), Wish(target, format, int8=True), pictures[3:], calibration=pictures[:3])
        assert made.calibrated_on == 3
        assert [entry.precision for entry in made.compared] == runs * ["int8"]
        assert all(0.97 <= entry.parity.agreement < 1 for entry in made.compared)
        assert load(Request(weights=target)).contract == replace(CONTRACT, quantized=True)
        assert made.to_json()["precision"] == "int8"


@pytest.mark.long
def test_int8_with_wrong_scales_is_refused(pictures, tmp_path, monkeypatch):
    from liveseg.runtimes import quantize

    real = quantize.safe_ranges
    monkeypatch.setattr(quantize, "safe_ranges", lambda weights: real(weights) / 4)
    wish = Wish(tmp_path / "a.onnx", "onnx", int8=True)
    with pytest.raises(ParityError, match=r"at least 97\.0%"):
        convert(Original("lite", None), wish, pictures, calibration=pictures[:2])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_an_onnx_file_of_ones_own_is_exported_and_quantised_without_pytorch(pictures, models, tmp_path, monkeypatch):
    monkeypatch.setattr(original, "installed", lambda _name: False)
    assert Original("lite", None).reference.name == "onnx"
    own = Original(None, models["vines"].onnx)
    assert own.reference.name == "onnx"
    made = convert(own, Wish(tmp_path / "vines.xml", "openvino"), pictures[:2])
    assert (made.reference, made.compared[0].parity.agreement > 0.999) == ("onnx", True)
    # Random weights put all classes within a hair of each other, so only the way there is tested.
    wish = Wish(tmp_path / "vines8.onnx", "onnx", int8=True, force=True)
    made = convert(own, wish, pictures[:1], calibration=pictures[1:3])
    assert load(Request(weights=wish.target)).contract.labels == models["vines"].contract.labels


@pytest.mark.long
def test_what_an_onnx_file_cannot_become_says_why(pictures, models, tmp_path):
    own = Original(None, models["vines"].onnx)
    for format in ("onnx", "pt2"):  # noqa: A001
        with pytest.raises(UsageError, match="is an ONNX model already"):
            convert(own, Wish(tmp_path / f"a{SUFFIXES[format]}", format), pictures)
    with pytest.raises(UsageError, match="holds 8-bit integers already"):
        convert(Original(None, bundled("lite", "int8.onnx")), Wish(tmp_path / "a.xml", "openvino"), pictures)
    (tmp_path / "other.xml").touch()
    with pytest.raises(UsageError, match="is an export itself"):
        Original(None, tmp_path / "other.xml")
    with pytest.raises(SourceNotFoundError, match="no such weights file"):
        Original(None, tmp_path / "none.onnx")


def test_wishes_that_contradict_themselves_are_refused_before_any_work(pictures, tmp_path):
    lite = Original("lite", None)
    with pytest.raises(UsageError, match=r"\.pt2 file holds floats"):
        convert(lite, Wish(tmp_path / "a.pt2", "pt2", int8=True), pictures, calibration=pictures)
    with pytest.raises(UsageError, match="--images"):
        convert(lite, Wish(tmp_path / "a.onnx", "onnx", int8=True), pictures)
    with pytest.raises(UsageError, match="no such model"):
        Original("lit", None)


def test_without_openvino_its_format_names_the_extra(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'liveseg\[openvino\]'"):
        convert(Original("lite", None), Wish(tmp_path / "a.xml", "openvino"), pictures)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_graph_that_openvino_cannot_read_is_one_line(models, pictures, tmp_path, monkeypatch):
    own = Original(None, models["vines"].onnx)
    assert own.reference.name == "onnx"
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    monkeypatch.setitem(vars(own), "graph", tmp_path / "broken.onnx")
    with pytest.raises(WeightsError, match=r"OpenVINO cannot read .*broken\.onnx") as caught:
        convert(own, Wish(tmp_path / "a.xml", "openvino"), pictures)
    assert "\n" not in str(caught.value)


@pytest.mark.long
def test_a_size_that_a_graph_does_not_take_is_one_line(pictures, tmp_path):
    convert(Original("lite", None), Wish(tmp_path / "a.onnx", "onnx", size=(225, 177)), pictures[:1])
    with pytest.raises(WeightsError, match=r"OpenVINO cannot read .*a\.onnx at 129x97") as caught:
        module.write_ir(tmp_path / "a.onnx", replace(CONTRACT, fixed_size=(97, 129)), tmp_path / "a.xml")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.xml").exists()


def test_the_format_goes_by_the_extension(tmp_path):
    for name, suffix in SUFFIXES.items():
        assert format_of(tmp_path / f"a{suffix}") == name
        assert format_of(tmp_path / f"a{suffix}", name) == name
    with pytest.raises(UsageError, match=r"ends with \.onnx, \.xml, \.pt2"):
        format_of(tmp_path / "a.bin")
    with pytest.raises(UsageError, match=r"ends with \.xml for --format openvino"):
        format_of(tmp_path / "a.onnx", "openvino")


def test_a_pair_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.xml"

    def write(text, *, fail=False, overwrite=False):
        with atomic_pair(target, overwrite=overwrite) as partial:
            partial.write_text(text, encoding="utf-8")
            partial.with_suffix(".bin").write_text(text, encoding="utf-8")
            if fail:
                raise RuntimeError

    def read():
        return sorted((path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir())

    with pytest.raises(RuntimeError):
        write("new", fail=True)
    assert read() == []
    write("old")
    assert read() == [("a.bin", "old"), ("a.xml", "old")]
    with pytest.raises(RuntimeError):
        write("new", fail=True, overwrite=True)
    assert read() == [("a.bin", "old"), ("a.xml", "old")]
    target.unlink()
    with pytest.raises(OutputExistsError):
        write("new")
    assert read() == [("a.bin", "old")]
    write("new", overwrite=True)
    assert read() == [("a.bin", "new"), ("a.xml", "new")]
