"""Every network survives the export to ONNX with height and width left open."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from liveseg.models.build import build


class LowLogits(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network.low_logits(x)


# The first holds most of what an export can get wrong; `tests/runtimes` exports others.
@pytest.mark.parametrize(
    "name",
    [
        "lite",
        pytest.param("deeplabv3", marks=pytest.mark.long),
        pytest.param("fcn_resnet50", marks=pytest.mark.long),
        pytest.param("lraspp", marks=pytest.mark.long),
        pytest.param("deeplabv3_resnet50", marks=pytest.mark.long),
    ],
)
# The exporter calls functions that PyTorch itself has deprecated.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.long
def test_an_export_agrees_with_pytorch_at_sizes_it_was_not_made_with(name):
    torch.manual_seed(0)
    network = build(name)
    height, width = torch.export.Dim("height", min=17, max=8192), torch.export.Dim("width", min=17, max=8192)
    program = torch.onnx.export(
        LowLogits(network).eval(),
        (torch.randn(1, 3, 97, 129),),
        dynamo=True,
        dynamic_shapes=({2: height, 3: width},),
        input_names=["x"],
        verbose=False,
    )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in [(97, 129), (64, 80), (33, 100), (17, 17)]:
        x = torch.randn(1, 3, *size)
        with torch.inference_mode():
            expected = network.low_logits(x).numpy()
        (logits,) = session.run(None, {"x": x.numpy()})
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
