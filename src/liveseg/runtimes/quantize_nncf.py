"""Quantisation by NNCF (https://github.com/openvinotoolkit/nncf), OpenVINO's quantiser, which also corrects biases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liveseg.runtimes.ir import require_openvino, write_ir
from liveseg.runtimes.quantize import refusing, require_quantizer, stamp
from liveseg.runtimes.quiet import quietly

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.contract import ModelContract
    from liveseg.runtimes.quantize import Inputs


def quantize_nncf(graph: Path, contract: ModelContract, path: Path, inputs: Inputs) -> None:
    """Write an ONNX graph quantised by NNCF, unchecked: as `.onnx` in QDQ form, or as OpenVINO's `.xml`.

    Its overflow fix is on, which keeps weights within 7 bits; see `liveseg.runtimes.quantize.safe_ranges` for why.

    Args:
        graph: the float graph.
        contract: its contract.
        path: the file to write, by whose extension the format is chosen.
        inputs: what to calibrate on.

    Raises:
        MissingExtraError: NNCF, OpenVINO or the `onnx` package is not installed.
        LivesegError: the quantiser cannot take the graph; or what reading `inputs` raises.
    """
    onnx = require_quantizer("onnx", "ONNX's package")
    # Before NNCF, whose own import of it would bring its telemetry.
    ov = require_openvino("quantising by NNCF", extra="quantize")
    with quietly():
        nncf = require_quantizer("nncf", "NNCF")
    pictures = list(inputs)
    with refusing(graph, other="onnx"), quietly():
        advanced = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE)
        options = {
            "subset_size": len(pictures),
            "preset": nncf.QuantizationPreset.MIXED,
            "advanced_parameters": advanced,
        }
        if path.suffix == ".xml":
            quantized = nncf.quantize(ov.Core().read_model(str(graph)), nncf.Dataset(pictures), **options)
            write_ir(quantized, replace(contract, quantized=True), path)
            return
        model = onnx.load(str(graph))
        name = model.graph.input[0].name
        quantized = nncf.quantize(model, nncf.Dataset(pictures, lambda picture: {name: picture}), **options)
        onnx.save(quantized, str(path))
    stamp(path, contract)
