"""Programs of `torch.export`: they run as eager PyTorch does, and nothing else that a file brings runs at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from liveseg.contract import ModelContract
from liveseg.errors import LivesegError, WeightsError
from liveseg.labels import LabelSet, voc_palette
from liveseg.models.registry import find_model
from liveseg.runtimes.pt2 import Pt2Runtime
from liveseg.runtimes.torch import Contracted, ModuleRuntime, TorchRuntime

LABELS = LabelSet(("background", "vine", "grape"), voc_palette(3))
CONTRACT = ModelContract("vines", LABELS)
MODEL = "models/model.json"


class Small(nn.Module):
    """A model of one's own, with what the registry's networks have not: writing in place, splitting, padding."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(6, 3, 1)

    def forward(self, images):
        x = self.features(images.permute(0, 3, 1, 2).to(self.head.weight.dtype) / 255)
        one, other = x.split(3, dim=1)
        x = torch.cat((one, other.amax(dim=1, keepdim=True).expand_as(other)), dim=1)
        padded = nn.functional.pad(x, (1, 1, 1, 1))
        return self.head(nn.functional.interpolate(padded, size=x.shape[2:], mode="bilinear"))


@pytest.fixture(scope="module")
def small(save_program, tmp_path_factory):
    """`Small`, saved with its contract."""
    return save_program(Small(), CONTRACT, tmp_path_factory.mktemp("small") / "vines.pt2")


def pictures(*shape):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def rewritten(source, target, change):
    """Copy an archive; `change(name, content)` gives each file's new content, `None` to leave it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name.partition("/")[2], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def edited(source, target, edit, file=MODEL):
    """Copy an archive; `edit(data)` changes one of its JSON files."""

    def change(name, content):
        if name != file:
            return content
        data = json.loads(content)
        edit(data)
        return json.dumps(data)

    return rewritten(source, target, change)


@pytest.mark.parametrize(
    "name",
    [
        "lite",
        pytest.param("deeplabv3", marks=pytest.mark.long),
        pytest.param("lraspp", marks=pytest.mark.long),
        pytest.param("deeplabv3_resnet50", marks=pytest.mark.long),
        pytest.param("fcn_resnet50", marks=pytest.mark.long),
    ],
)
def test_a_program_gives_the_logits_of_its_network_at_any_size(name, network_of, save_program, tmp_path):
    network, contract = network_of(name), find_model(name).contract
    runtime = Pt2Runtime(save_program(Contracted(network), contract, tmp_path / "model.pt2"), device="cpu")
    assert runtime.contract == contract
    reference = TorchRuntime(network, contract, device="cpu")
    for count, height, width in [(1, 97, 129), (2, 81, 49), (1, 113, 65)]:
        images = pictures(count, contract.fit(height), contract.fit(width))
        wanted, got = reference(images), runtime(images)
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("shape", [(1, 40, 52), (2, 33, 20)])
def test_a_model_of_ones_own_runs_and_leaves_its_input_alone(small, shape):
    images = pictures(*shape)
    before = images.copy()
    got = Pt2Runtime(small, device="cpu")(images)
    wanted = ModuleRuntime(Small().eval(), CONTRACT, device="cpu")(images)
    np.testing.assert_allclose(got, wanted, atol=1e-5 * np.abs(wanted).max())
    assert np.array_equal(images, before)


def test_a_program_that_writes_into_its_input_does_not_reach_the_callers_picture(small, tmp_path):
    def write(program):
        nodes = program["graph_module"]["graph"]["nodes"]
        zero = {"name": "other", "arg": {"as_int": 7}, "kind": 1}
        images = {"name": "self", "arg": {"as_tensor": {"name": "images"}}, "kind": 1}
        target = "torch.ops.aten.add_.Scalar"
        nodes.insert(0, {"target": target, "inputs": [images, zero], "outputs": [], "metadata": {}})

    images = pictures(1, 16, 16)
    before = images.copy()
    changed = Pt2Runtime(edited(small, tmp_path / "writes.pt2", write), device="cpu")(images)
    assert not np.array_equal(changed, Pt2Runtime(small, device="cpu")(images)), "the trap was not set"
    assert np.array_equal(images, before)


def test_it_computes_in_the_precision_that_is_asked_for(small, device):
    images = pictures(1, 48, 48)
    runtime = Pt2Runtime(small, device=device, precision="bfloat16")
    low, full = runtime(images), Pt2Runtime(small, device="cpu")(images)
    assert runtime.precision == "bfloat16"
    assert 0 < np.abs(low - full).max() <= 0.05 * np.abs(full).max()


def test_labels_and_contract_can_be_given(small):
    labels = LabelSet(("a", "b", "c"), voc_palette(3))
    assert Pt2Runtime(small, labels=labels).contract == ModelContract("vines", labels)
    other = ModelContract("other", LABELS, multiple=8)
    assert Pt2Runtime(small, contract=other).contract == other


def test_a_program_for_one_size_runs_at_that_size_only(tmp_path):
    with torch.inference_mode():
        program = torch.export.export(Small().eval(), (torch.zeros((1, 24, 32, 3), dtype=torch.uint8),))
    torch.export.save(program, tmp_path / "one.pt2", extra_files={"liveseg.json": CONTRACT.to_json()})
    runtime = Pt2Runtime(tmp_path / "one.pt2", device="cpu")
    assert runtime(pictures(1, 24, 32)).shape == (1, 3, 12, 16)
    with pytest.raises(LivesegError, match=r"\(1, 24, 40, 3\).*exported for \(1, 24, 32, 3\) only.*dynamic_shapes"):
        runtime(pictures(1, 24, 40))


class Trap:
    """Pickled, it is a call that leaves a mark on the disk."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def pickled(mark):
    buffer = io.BytesIO()
    torch.save(Trap(mark), buffer)
    return buffer.getvalue()


def trap_in_sample_inputs(source, target, mark):
    return rewritten(
        source, target, lambda name, content: pickled(mark) if name == "data/sample_inputs/model.pt" else content
    )


def trap_in_weights(source, target, mark):
    def change(name, content):
        if name == "data/weights/model_weights_config.json":
            config = json.loads(content)
            next(iter(config["config"].values()))["use_pickle"] = True
            return json.dumps(config)
        return pickled(mark) if name == "data/weights/weight_0" else content

    return rewritten(source, target, change)


def trap_in_a_size(source, target, mark):
    call = json.dumps(f"__import__('os').mkdir({str(mark)!r}) or Symbol('s")[1:-1]
    return rewritten(
        source,
        target,
        lambda name, content: content.decode().replace("Symbol('s", call, 1) if name == MODEL else content,
    )


@pytest.mark.parametrize("trap", [trap_in_sample_inputs, trap_in_weights, trap_in_a_size])
# torch.export.load says in many ways that it did not like the file after it ran the trap.
@pytest.mark.filterwarnings("ignore")
def test_code_in_a_file_runs_in_torch_export_but_not_here(trap, small, tmp_path):
    mark = tmp_path / "mark"
    path = trap(small, tmp_path / "trap.pt2", mark)
    with contextlib.suppress(Exception):
        torch.export.load(path)
    assert mark.exists(), "the trap does not work; perhaps torch.export.load has become safe"
    mark.rmdir()
    with contextlib.suppress(WeightsError):
        Pt2Runtime(path, device="cpu")(pictures(1, 16, 16))
    assert not mark.exists()


def node(target, *arguments):
    inputs = [{"name": "x", "arg": argument, "kind": 1} for argument in arguments]
    return {"target": target, "inputs": inputs, "outputs": [], "metadata": {}, "name": "evil"}


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.mkdir",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.relu.__class__",
        "torch.ops.aten.relu",
        "torch.ops.prims.add.default",
        "_operator.attrgetter",
        "math.__loader__.load_module",
        "builtins.eval",
        "#custom:op",
        "",
    ],
)
def test_an_operator_that_is_not_on_the_list_is_refused(target, small, tmp_path):
    def insert(program):
        program["graph_module"]["graph"]["nodes"].insert(0, node(target, {"as_string": str(tmp_path / "mark")}))

    path = edited(small, tmp_path / "evil.pt2", insert)
    with pytest.raises(WeightsError, match=r"evil\.pt2 calls .*not among the operators.*ONNX"):
        Pt2Runtime(path)


@pytest.mark.parametrize("kind", ["as_graph", "as_custom_obj", "as_operator", "as_string_to_argument"])
def test_an_argument_that_is_no_value_is_refused(kind, small, tmp_path):
    def insert(program):
        program["graph_module"]["graph"]["nodes"].insert(0, node("torch.ops.aten.relu.default", {kind: "torch.relu"}))

    with pytest.raises(WeightsError, match=f"passes an operator '{kind}'"):
        Pt2Runtime(edited(small, tmp_path / "evil.pt2", insert))


def test_what_the_list_names_exists_and_touches_no_file():
    from liveseg.runtimes.pt2_program import _ATEN

    for name in _ATEN:
        packet = getattr(torch.ops.aten, name)
        schemas = [getattr(packet, overload)._schema for overload in packet.overloads()]
        names = {argument.name for schema in schemas for argument in schema.arguments}
        assert not {part for part in names if "file" in part or "path" in part}, name


def edit_version(program):
    program["schema_version"]["major"] = 9


def edit_input(program):
    program["graph_module"]["graph"]["tensor_values"]["images"]["dtype"] = 7


def edit_outputs(program):
    specs = program["graph_module"]["signature"]["output_specs"]
    specs.append(specs[0])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (edit_version, r"another generation of PyTorch \(schema 9, not 8\).*export it again"),
        (edit_input, r"takes torch\.float32 .*one uint8 input \(N, H, W, 3\)"),
        (edit_outputs, "user_output, user_output where liveseg's models have one user_output"),
        (dict.clear, "cannot be read as a torch.export program"),
    ],
)
def test_a_program_that_breaks_the_contract_says_how(edit, message, small, tmp_path):
    with pytest.raises(WeightsError, match=message) as caught:
        Pt2Runtime(edited(small, tmp_path / "other.pt2", edit))
    assert "\n" not in str(caught.value)


def test_a_weight_beyond_its_data_is_refused(small, tmp_path):
    def enlarge(config):
        next(iter(config["config"].values()))["tensor_meta"]["storage_offset"]["as_int"] = 1 << 20

    path = edited(small, tmp_path / "big.pt2", enlarge, "data/weights/model_weights_config.json")
    with pytest.raises(WeightsError, match="cannot be read"):
        Pt2Runtime(path)


def test_class_names_that_do_not_fit_or_are_missing_are_an_error(small, tmp_path):
    with pytest.raises(WeightsError, match=r"output of shape .*, but it has 2 class names"):
        Pt2Runtime(small, labels=LabelSet(("a", "b"), voc_palette(2)))
    bare = rewritten(small, tmp_path / "bare.pt2", lambda name, content: None if "liveseg" in name else content)
    with pytest.raises(WeightsError, match=r"does not say what its classes are.*bare\.json"):
        Pt2Runtime(bare)
    assert Pt2Runtime(bare, labels=LABELS, device="cpu")(pictures(1, 8, 8)).shape == (1, 3, 4, 4)


def cut(content):
    return content[: len(content) // 2]


def compressed(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: b"", "cannot be read"),
        (lambda _: b"PK\x03\x04 but no archive", "cannot be read"),
        (cut, "cannot be read"),
        (lambda content: content.replace(b'"graph_module"', b'"graph_mOdule"'), "cannot be read"),
        (compressed, "is compressed"),
    ],
)
def test_a_file_that_is_damaged_is_one_line(spoil, message, small, tmp_path):
    path = tmp_path / "broken.pt2"
    path.write_bytes(spoil(small.read_bytes()))
    with pytest.raises(WeightsError, match=rf"broken\.pt2.* {message}") as caught:
        Pt2Runtime(path)
    assert "\n" not in str(caught.value)


def test_whatever_is_wrong_in_a_graph_ends_in_one_of_our_errors(small, tmp_path):
    generator = random.Random(0)  # noqa: S311 - the same damage each time, not a secret

    def spoil(data):
        """Replace or drop one thing, somewhere."""
        while True:
            key = generator.choice(list(data) if isinstance(data, dict) else range(len(data)))
            inner = data[key]
            if isinstance(inner, dict | list) and inner and generator.random() < 0.85:
                data = inner
                continue
            if generator.random() < 0.3:
                del data[key]
            else:
                data[key] = generator.choice([None, -1, 1 << 62, 0.5, "images", [], {}, [inner], {"as_int": 3}])
            return

    messages = []
    for _ in range(150):
        path = edited(small, tmp_path / "spoilt.pt2", lambda program: spoil(program["graph_module"]))
        try:
            Pt2Runtime(path, device="cpu")(pictures(1, 16, 16))
        except LivesegError as error:
            messages.append(str(error))
    assert len(messages) > 30
    assert not [message for message in messages if "\n" in message]
