"""rembg's server with the same network: `lite`, wrapped so that rembg's session for U2-Net files can run it.

rembg downloads its own models, which needs a network; its session `u2net_custom` runs any ONNX file that takes its
normalised 320x320 pixels and gives one channel. The wrapper turns the pixels back into bytes, runs the bundled network
as it is, and gives the probability of not being background. Both servers so do the same inference but for the size
(rembg's 320, and 321 for liveseg, which takes 16k + 1), each with its own decoding, resizing and encoding.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

SIDE, SIZE = 320, 321
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def wrap(bundled: Path, target: Path) -> Path:
    """Write the wrapped network."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(bundled)
    graph, image = model.graph, model.graph.input[0].name
    logits = graph.output[0].name

    def constant(name: str, values: object, kind: type = np.float32) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    # Behind the mean and the deviation are 0 to 1; the edge is repeated once for 16k + 1 pixels.
    shape = (1, 3, 1, 1)
    before = [
        helper.make_node("Mul", ["peer", constant("peer_std", np.reshape(_DEVIATION, shape))], ["peer_scaled"]),
        helper.make_node("Add", ["peer_scaled", constant("peer_mean", np.reshape(_MEAN, shape))], ["peer_unit"]),
        helper.make_node("Mul", ["peer_unit", constant("peer_255", 255.0)], ["peer_float"]),
        helper.make_node(
            "Pad", ["peer_float", constant("peer_pad", [0, 0, 0, 0, 0, 0, 1, 1], np.int64)], ["peer_321"], mode="edge"
        ),
        helper.make_node("Round", ["peer_321"], ["peer_round"]),
        helper.make_node("Clip", ["peer_round", constant("peer_0", 0.0), constant("peer_most", 255.0)], ["peer_clip"]),
        helper.make_node("Transpose", ["peer_clip"], ["peer_nhwc"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["peer_nhwc"], [image], to=TensorProto.UINT8),
    ]  # fmt: skip
    after = [
        helper.make_node("Softmax", [logits], ["peer_shares"], axis=1),
        helper.make_node(
            "Slice",
            ["peer_shares", constant("peer_s", [0], np.int64), constant("peer_e", [1], np.int64),
             constant("peer_a", [1], np.int64)],
            ["peer_background"],
        ),
        helper.make_node("Sub", [constant("peer_1", 1.0), "peer_background"], ["peer_alpha"]),
    ]  # fmt: skip
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info("peer", TensorProto.FLOAT, [1, 3, SIDE, SIDE]))
    graph.output.append(helper.make_tensor_value_info("peer_alpha", TensorProto.FLOAT, [1, 1, None, None]))
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return target


def command(program: str) -> list[str]:
    """How its server is started, without its page."""
    return [program, "s", "--host", "127.0.0.1", "--port", "{port}", "--log_level", "error", "--no-ui"]


def plan(model: Path, mask: bool) -> dict[str, object]:
    """What its clients send: the picture in a form, as it wants it."""
    extras = quote(json.dumps({"model_path": str(model)}))
    return {
        "path": f"/api/remove?extras={extras}",
        "form": {"model": "u2net_custom", "om": "true" if mask else "false"},
        "file_field": "file",
    }
