"""Every network against the outputs of its reference; a new one needs a class of three lines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.models.registry import MODELS

SIZES = [(97, 129), (64, 80)]


class ModelTests:
    """What holds for every model; a subclass names it, its golden files and the stride of its logits."""

    name: str
    golden: str
    stride: int = 8
    tolerance: float = 1e-4

    @pytest.fixture(scope="class")
    @classmethod
    def shapes(cls, golden_shapes):
        return {n: s for n, s in golden_shapes(cls.golden).items() if not n.startswith("aux_classifier.")}

    @pytest.fixture(scope="class")
    @classmethod
    def state(cls, shapes, fill):
        return {name: torch.from_numpy(fill.tensor_for(name, shape)) for name, shape in shapes.items()}

    @pytest.fixture(scope="class")
    @classmethod
    def network(cls, state):
        network = build(cls.name)
        load_into(network, state)
        return network

    def golden_logits(self, network, x):
        """What the golden file holds, `(21, h, w)`, and its key."""
        return network(x)["out"][0, :, ::3, ::3], "out"

    def full_logits(self, network, x):
        return network(x)["out"][0]

    def test_names_and_shapes_are_the_references(self, shapes):
        own = {name: tuple(tensor.shape) for name, tensor in build(self.name).state_dict().items()}
        assert own == shapes

    @torch.inference_mode()
    @pytest.mark.parametrize(("height", "width"), SIZES)
    def test_logits_and_classes_are_the_references(self, network, fill, golden_folder, height, width):
        x = torch.from_numpy(fill.golden_input(height, width))
        with np.load(golden_folder / f"{self.golden}.npz") as arrays:
            logits, kind = self.golden_logits(network, x)
            expected = arrays[f"{kind}_{height}x{width}"]
            classes = arrays[f"argmax_{height}x{width}"].astype(np.int64)
        limit = self.tolerance * np.abs(expected).max()
        assert logits.shape == expected.shape
        assert np.abs(logits.numpy() - expected).max() <= limit

        full = self.full_logits(network, x).numpy()
        at_expected_class = np.take_along_axis(full, classes[None], axis=0)[0]
        behind = full.max(axis=0) - at_expected_class
        # Two logits, each off by the limit: only so near a tie may another class win.
        assert behind.max() <= 2 * limit
        assert np.count_nonzero(behind) <= 0.005 * behind.size

    @torch.inference_mode()
    @settings(max_examples=8, deadline=None)
    @given(height=st.integers(1, 49), width=st.integers(1, 49))
    def test_any_input_gives_logits_of_its_own_size(self, network, height, width):
        x = torch.zeros(1, 3, height, width)
        outputs = network(x)
        assert list(outputs) == ["out"]
        assert outputs["out"].shape == (1, 21, height, width)
        assert outputs["out"].isfinite().all()
        low = network.low_logits(x)
        assert low.shape == (1, 21, -(-height // self.stride), -(-width // self.stride))

    @torch.inference_mode()
    def test_the_images_of_a_batch_do_not_touch_each_other(self, network, fill):
        x = torch.from_numpy(fill.golden_input(48, 40))
        both = network.low_logits(torch.cat([x, x.flip(3)]))
        for logits, image in zip(both, (x, x.flip(3)), strict=True):
            torch.testing.assert_close(
                logits, network.low_logits(image)[0], rtol=1e-4, atol=1e-4 * float(both.abs().max())
            )

    def test_forward_aligns_corners_as_the_contract_says(self, network):
        assert network.align_corners == MODELS[self.name].contract.align_corners


class TestLraspp(ModelTests):
    name = "lraspp"
    golden = "lraspp_mobilenet_v3_large"


class TestDeepLabV3(ModelTests):
    name = "deeplabv3"
    golden = "deeplabv3_mobilenet_v3_large"
    stride = 16


class TestDeepLabV3ResNet50(ModelTests):
    name = "deeplabv3_resnet50"
    golden = "deeplabv3_resnet50"


class TestFcnResNet50(ModelTests):
    name = "fcn_resnet50"
    golden = "fcn_resnet50"


class TestLite(ModelTests):
    name = "lite"
    golden = "lite"
    # The golden logits are of the float32 checkpoint; the bundled one is rounded to float16 (see lite.md).
    tolerance = 6e-3  # the weights are rounded to half precision

    @pytest.fixture(scope="class")
    @classmethod
    def state(cls, bundled_lite):
        return load_state(bundled_lite)

    @pytest.fixture(scope="class")
    @classmethod
    def shapes(cls, state):
        return {name: tuple(tensor.shape) for name, tensor in state.items()}

    def golden_logits(self, network, x):
        return network.low_logits(x)[0], "low"

    def test_names_and_shapes_are_the_references(self, shapes):
        own = {name: tuple(tensor.shape) for name, tensor in build(self.name).state_dict().items()}
        assert {name: shape for name, shape in own.items() if not name.endswith("num_batches_tracked")} == shapes

    def test_the_bundled_checkpoint_is_float16_and_carries_the_contract(self, bundled_lite):
        with safe_open(bundled_lite, "np") as file:
            assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118 - no mapping
            assert ModelContract.from_json(file.metadata()[METADATA_KEY]) == MODELS["lite"].contract

    @torch.inference_mode()
    def test_at_32k_plus_1_every_eighth_pixel_has_a_logit_of_its_own(self, network, fill):
        x = torch.from_numpy(fill.golden_input(97, 129))
        out, low = network(x)["out"], network.low_logits(x)
        torch.testing.assert_close(out[:, :, ::8, ::8], low, rtol=1e-4, atol=1e-4)
