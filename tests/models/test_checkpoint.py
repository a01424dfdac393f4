from __future__ import annotations

import argparse
import io
import pickle
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from liveseg.errors import LivesegError, MissingExtraError, UsageError, WeightsError, WeightsUnavailableError
from liveseg.models.build import build
from liveseg.models.checkpoint import identify, load_into, load_state, num_classes_of
from liveseg.models.registry import MODELS

TORCHVISION = {
    "lraspp": "lraspp_mobilenet_v3_large",
    "deeplabv3": "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50": "deeplabv3_resnet50",
    "fcn_resnet50": "fcn_resnet50",
}


def refusal(call, *arguments, kind: type[LivesegError] = WeightsError) -> str:
    """The message of a refusal, which must be one line."""
    with pytest.raises(kind) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(7)}


@pytest.fixture(scope="module")
def lraspp_state():
    torch.manual_seed(0)
    return build("lraspp").state_dict()


class Trap:
    """A pickle of this creates a file where it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


# Reading


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".PTH"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_is_read_as_it_was_saved(tmp_path, tensors, suffix, zipped):
    path = tmp_path / f"weights{suffix}"
    torch.save(tensors, path, _use_new_zipfile_serialization=zipped)
    state = load_state(str(path))
    assert list(state) == list(tensors)
    assert all(torch.equal(state[name], tensors[name]) for name in tensors)


def test_safetensors_are_read(tmp_path, tensors):
    save_file(tensors, tmp_path / "weights.safetensors")
    state = load_state(tmp_path / "weights.safetensors")
    assert all(torch.equal(state[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {
            "model": state,
            "optimizer": {"lr": 0.1},
            "args": argparse.Namespace(lr=0.1, device="cuda"),
        },
        lambda state: {"model_state_dict": state},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}},
        lambda state: {f"_orig_mod.module.{name}": tensor for name, tensor in state.items()},
        lambda state: {name.replace("a.", "a._orig_mod."): tensor for name, tensor in state.items()},
    ],
    ids=["state_dict", "torchvision", "other", "nested", "parallel", "compiled", "both", "reversed", "part"],
)
def test_wrappers_and_prefixes_come_off(tmp_path, tensors, wrap):
    torch.save(wrap(tensors), tmp_path / "weights.pth")
    state = load_state(tmp_path / "weights.pth")
    assert set(state) == set(tensors)
    assert torch.equal(state["a.weight"], tensors["a.weight"])


def test_a_layer_that_is_called_module_keeps_its_name(tmp_path, tensors):
    torch.save({**tensors, "module.weight": torch.ones(1)}, tmp_path / "weights.pth")
    assert set(load_state(tmp_path / "weights.pth")) == {*tensors, "module.weight"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_every_precision_becomes_float32_and_counters_stay(tmp_path, tensors, dtype, suffix):
    path = tmp_path / f"weights{suffix}"
    saved = {"a.weight": tensors["a.weight"].to(dtype), "a.count": tensors["a.count"]}
    if suffix == ".pth":
        torch.save(saved, path)
    else:
        save_file(saved, path)
    state = load_state(path)
    assert state["a.weight"].dtype == torch.float32
    assert torch.equal(state["a.weight"], tensors["a.weight"])
    assert state["a.count"].dtype == torch.int64


# Refusing to read


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_runs_none(tmp_path, tensors, form):
    target = tmp_path / "created"
    path = tmp_path / "weights.pth"
    content = {**tensors, "trap": Trap(target)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    message = refusal(load_state, path)
    assert str(path) in message
    if form != "pickle":
        assert "could run code" in message
    assert not target.exists()


def test_the_trap_of_the_test_above_does_work(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "created")))  # noqa: S301 - what a careless reader would do
    assert (tmp_path / "created").exists()


def test_a_whole_pickled_module_is_refused_with_the_remedy(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "weights.pt")
    message = refusal(load_state, tmp_path / "weights.pt")
    assert "torch.nn.modules.linear.Linear" in message
    assert "torch.save(model.state_dict()" in message


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, tensors, form):
    path = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pth")
    if form == "safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    load_state(path)
    for length in {0, 1, 7, 8, 9, *range(0, len(whole), 61), len(whole) - 1}:
        path.write_bytes(whole[:length])
        message = refusal(load_state, path)
        # Cut inside a name, a legacy file asks for a class that does not exist, which is refused as such.
        assert "damaged" in message or (form == "legacy" and "holds more than tensors" in message)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"<html>404 Not Found</html>", b"\x80\x02}q\x00", b"\xff" * 200])
def test_a_file_of_another_kind_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    assert str(path) in refusal(load_state, path)


@pytest.mark.parametrize("content", [{}, [1, 2], torch.zeros(3), {"epoch": 3}, {"model": {"epoch": 3}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "weights.pth")
    assert "holds no state dict" in refusal(load_state, tmp_path / "weights.pth")


def test_a_dictionary_that_holds_itself_ends(tmp_path):
    content: dict[str, object] = {}
    content["model"] = content
    torch.save(content, tmp_path / "weights.pth")
    assert "holds no state dict" in refusal(load_state, tmp_path / "weights.pth")


def test_a_small_file_that_claims_a_huge_tensor_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1).expand(1 << 44)}, tmp_path / "weights.pth")
    assert "larger than its data" in refusal(load_state, tmp_path / "weights.pth")


def test_an_archive_that_unpacks_to_more_than_itself_is_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(100_000)}, buffer)
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(buffer) as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in stored.namelist():
            packed.writestr(entry, stored.read(entry))
    assert "unpacks to" in refusal(load_state, path)


def test_a_torchscript_archive_is_named_as_such(tmp_path, tensors):
    path = tmp_path / "weights.pt"
    torch.save(tensors, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("weights/constants.pkl", pickle.dumps(()))
    assert "TorchScript" in refusal(load_state, path)


@pytest.mark.parametrize("tensor", [torch.eye(3).to_sparse(), torch.zeros(3, device="meta")], ids=["sparse", "meta"])
def test_a_tensor_that_is_not_dense_is_refused_by_name(tmp_path, tensor):
    torch.save({"a.weight": tensor}, tmp_path / "weights.pth")
    assert "'a.weight' is no dense tensor" in refusal(load_state, tmp_path / "weights.pth")


def test_a_missing_file_a_folder_and_another_suffix_are_told_apart(tmp_path):
    assert "no such weights file" in refusal(load_state, tmp_path / "no.pth", kind=WeightsUnavailableError)
    (tmp_path / "folder.pth").mkdir()
    assert "cannot be opened" in refusal(load_state, tmp_path / "folder.pth")
    assert ".safetensors" in refusal(load_state, tmp_path / "weights.bin")


@pytest.mark.parametrize(
    ("module", "suffix", "title"),
    [
        ("torch", ".pth", "PyTorch"),
        ("torch", ".safetensors", "PyTorch"),
        ("safetensors", ".safetensors", "safetensors"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(tmp_path, monkeypatch, module, suffix, title):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, module, None)
    message = refusal(load_state, path, kind=MissingExtraError)
    assert message == f"reading weights{suffix} needs {title}: pip install 'liveseg[torch]'"


# Telling what weights are of


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("classes", [21, 2])
def test_weights_are_identified_whatever_their_classes(meta_network, name, classes):
    state = meta_network(name, classes).state_dict()
    assert identify(state) == name
    assert num_classes_of(state, name) == classes
    assert identify({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}) == name


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_names_are_identified_auxiliary_head_and_all(golden_shapes, blank, name):
    assert identify(blank(golden_shapes(TORCHVISION[name]))) == name


def test_weights_that_fit_nothing_are_not_identified(tensors, meta_network):
    assert identify(tensors) is None
    state = meta_network("lraspp").state_dict()
    assert identify({**state, "extra.weight": torch.zeros(1)}) is None
    assert identify({name: tensor for name, tensor in state.items() if name != "backbone.0.0.weight"}) is None
    assert identify({**state, "backbone.0.0.weight": torch.zeros(16, 1, 3, 3)}) is None


def test_the_class_count_of_other_weights_is_refused(tensors, meta_network):
    assert "not weights of 'lite'" in refusal(num_classes_of, tensors, "lite")
    assert "not weights of 'lraspp'" in refusal(num_classes_of, meta_network("fcn_resnet50").state_dict(), "lraspp")
    too_many = {"classifier.low_classifier.weight": torch.zeros(256, 40, 1, 1)}
    assert "1 to 255 classes; these weights have 256" in refusal(num_classes_of, too_many, "lraspp")
    refusal(num_classes_of, tensors, "unet", kind=UsageError)


# Loading into a network


@pytest.mark.parametrize("name", ["lraspp", "deeplabv3"])
def test_a_torchvision_checkpoint_loads_and_its_auxiliary_head_is_dropped(tmp_path, golden_shapes, fill, name):
    shapes = golden_shapes(TORCHVISION[name])
    torch.save({k: torch.from_numpy(fill.tensor_for(k, s)) for k, s in shapes.items()}, tmp_path / "weights.pth")
    state = load_state(tmp_path / "weights.pth")
    network = build(name)
    load_into(network, state, tmp_path / "weights.pth")
    own = network.state_dict()
    assert set(shapes) - set(own) == {k for k in shapes if k.startswith("aux_classifier.")}
    assert all(torch.equal(own[k], state[k]) for k in own)


def test_counters_may_be_missing_and_nothing_else(lraspp_state):
    network = build("lraspp")
    weights = {k: v for k, v in lraspp_state.items() if not k.endswith("num_batches_tracked")}
    load_into(network, weights)
    assert torch.equal(network.state_dict()["backbone.0.0.weight"], weights["backbone.0.0.weight"])
    del weights["backbone.0.1.running_var"]
    message = refusal(load_into, build("lraspp"), weights, "my.pth")
    assert message.startswith("my.pth does not fit 'lraspp': 1 tensors missing (such as 'backbone.0.1.running_var')")


def test_weights_of_another_network_are_named(meta_network, golden_shapes, blank):
    state = blank(golden_shapes("fcn_resnet50"))
    message = refusal(load_into, build("lraspp"), state, "my.pth")
    assert message == (
        "my.pth holds weights of 'fcn_resnet50' (FCN, ResNet-50), not of 'lraspp'; "
        "choose the model 'fcn_resnet50' for it"
    )


def test_weights_of_an_unknown_network_say_what_does_not_fit(tensors, lraspp_state):
    state = {**lraspp_state, **tensors, "backbone.0.0.weight": torch.zeros(16, 1, 3, 3)}
    message = refusal(load_into, build("lraspp"), state, "my.pth")
    assert "2 not known (such as 'a.weight')" in message
    assert "1 of another shape (such as 'backbone.0.0.weight': [16, 1, 3, 3] for [16, 3, 3, 3])" in message


def test_another_number_of_classes_is_named(lraspp_state):
    message = refusal(load_into, build("lraspp", num_classes=5), lraspp_state, "my.pth")
    assert message == "my.pth holds 'lraspp' for 21 classes, not 5; build it with num_classes=21"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["backbone.3.block.0.0.weight", "classifier.cbr.1.running_var"])
def test_a_value_that_is_no_finite_number_is_refused_and_nothing_is_copied(lraspp_state, value, key):
    state = {name: tensor.clone() for name, tensor in lraspp_state.items()}
    state["backbone.0.0.weight"] += 1
    state[key].view(-1)[-1] = value
    network = build("lraspp")
    load_into(network, lraspp_state)
    assert f"damaged: {key!r}" in refusal(load_into, network, state, "my.pth")
    assert torch.equal(network.state_dict()["backbone.0.0.weight"], lraspp_state["backbone.0.0.weight"])


def test_a_double_that_float32_cannot_hold_is_refused(tmp_path, lraspp_state):
    torch.save(
        {**lraspp_state, "classifier.high_classifier.bias": torch.full((21,), 1e300, dtype=torch.float64)},
        tmp_path / "a.pth",
    )
    assert "no finite numbers" in refusal(load_into, build("lraspp"), load_state(tmp_path / "a.pth"))


def test_integer_weights_are_refused(lraspp_state):
    state = {**lraspp_state, "backbone.0.0.weight": torch.zeros(16, 3, 3, 3, dtype=torch.int8)}
    assert "torch.int8" in refusal(load_into, build("lraspp"), state)
