"""Make the bundled model's ONNX file from its checkpoint, through the same export and check as any other model.

    python tools/export_lite.py [CHECKPOINT.safetensors]

With a checkpoint it also becomes the bundled checkpoint, in half precision. The export starts from that rounded
checkpoint, so that the two bundled files hold the same weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from liveseg.contract import METADATA_KEY
from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.models.registry import find_model
from liveseg.runtimes.export import export_onnx

BUNDLED = Path(__file__).parent.parent / "src" / "liveseg" / "weights" / "bundled"


def main(arguments: list[str]) -> None:
    info = find_model("lite")
    checkpoint = BUNDLED / "lite.safetensors"
    source = Path(arguments[0]) if arguments else checkpoint
    state = {
        name: tensor.to(torch.float16).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    save_file(state, checkpoint, metadata={METADATA_KEY: info.contract.to_json()})
    network = build(info.name)
    load_into(network, load_state(checkpoint), source=str(checkpoint))
    parity = export_onnx(network, info.contract, BUNDLED / "lite.onnx")
    print(f"{BUNDLED / 'lite.onnx'}: {parity.agreement:.4%} of pixels agree, logits within {parity.difference:.1e}")


if __name__ == "__main__":
    main(sys.argv[1:])
