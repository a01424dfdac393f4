"""Make the bundled model's ONNX file from its checkpoint, through the same export and check as any other model.

    python tools/export_lite.py [CHECKPOINT.safetensors]

With a checkpoint it also becomes the bundled checkpoint, in half precision, and its outputs in full precision become
`tests/golden/lite.npz`. The export starts from the rounded checkpoint, so that the two bundled files hold the same
weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from liveseg.contract import METADATA_KEY
from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.models.layers import resize_like
from liveseg.models.registry import find_model
from liveseg.runtimes.export import export_onnx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "golden"))
import fill  # noqa: E402 - the inputs of the golden outputs stand beside them

BUNDLED = ROOT / "src" / "liveseg" / "weights" / "bundled"
GOLDEN = ROOT / "tests" / "golden"


def main(arguments: list[str]) -> None:
    info = find_model("lite")
    checkpoint = BUNDLED / "lite.safetensors"
    source = Path(arguments[0]) if arguments else checkpoint
    if arguments:
        write_golden(source)
    state = {
        name: tensor.to(torch.float16).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    save_file(state, checkpoint, metadata={METADATA_KEY: info.contract.to_json()})
    checkpoint.chmod(0o644)
    network = build(info.name)
    load_into(network, load_state(checkpoint), source=str(checkpoint))
    parity = export_onnx(network, info.contract, BUNDLED / "lite.onnx")
    print(f"{BUNDLED / 'lite.onnx'}: {parity.agreement:.4%} of pixels agree, logits within {parity.difference:.1e}")


@torch.inference_mode()
def write_golden(source: Path) -> None:
    """The network's outputs with the unrounded weights, which the tests hold the rounded ones to."""
    network = build("lite")
    load_into(network, load_state(source), source=str(source))
    arrays = {}
    for height, width in ((97, 129), (64, 80)):
        low = network.low_logits(torch.from_numpy(fill.golden_input(height, width)))
        full = resize_like(low, torch.zeros(1, 1, height, width), align_corners=True)[0]
        arrays[f"low_{height}x{width}"] = low[0].numpy()
        arrays[f"argmax_{height}x{width}"] = full.argmax(0).byte().numpy()
    np.savez_compressed(GOLDEN / "lite.npz", **arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
