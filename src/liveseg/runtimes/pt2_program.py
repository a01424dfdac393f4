"""The graph of a `torch.export` program as a PyTorch module: an interpreter of operators on a list.

A graph is a list of calls in order, each of an operator on earlier results. Only operators that compute are on the
list: none reads files, writes files or reaches Python.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from liveseg.errors import WeightsError
from liveseg.runtimes.pt2_archive import DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from liveseg.runtimes.pt2_archive import Archive

MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading or running a graph raises that PyTorch did not write."""

_OPERATORS = """
    conv2d convolution conv_transpose2d linear matmul mm bmm addmm scaled_dot_product_attention
    batch_norm layer_norm group_norm instance_norm dropout dropout_ feature_dropout
    relu relu_ relu6 relu6_ leaky_relu leaky_relu_ elu elu_ gelu silu silu_ mish mish_ prelu sigmoid sigmoid_ tanh
    tanh_ hardtanh hardtanh_ hardswish hardswish_ hardsigmoid hardsigmoid_ softplus softmax log_softmax
    add add_ sub sub_ rsub mul mul_ div div_ neg abs exp log sqrt rsqrt pow square reciprocal maximum minimum
    clamp clamp_ clamp_min clamp_max floor ceil round erf where eq ne lt le gt ge logical_and logical_or logical_not
    mean sum amax amin max min var std norm linalg_vector_norm argmax
    max_pool2d avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d
    upsample_bilinear2d upsample_nearest2d upsample_bicubic2d pixel_shuffle pixel_unshuffle
    pad constant_pad_nd reflection_pad2d replication_pad2d
    cat stack split split_with_sizes chunk unbind slice select narrow index index_select gather
    permute transpose t view reshape flatten unflatten squeeze unsqueeze expand expand_as repeat roll flip
    contiguous clone alias detach detach_ lift_fresh_copy to type_as
    zeros ones full zeros_like ones_like full_like arange scalar_tensor
    sym_size
"""
_ATEN = frozenset(_OPERATORS.split())
_PYTHON: dict[str, Callable[..., Any]] = {
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge")
    },
    "torch.sym_max": torch.sym_max,
    "torch.sym_min": torch.sym_min,
    "torch.sym_int": torch.sym_int,
    "torch.sym_float": torch.sym_float,
}
_ONLY_FOR_EXPORT = frozenset({"torch.ops.aten._assert_tensor_metadata.default"})
"""It holds a tensor to the device and the type that it was exported with."""

_OWN = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}
_KEYWORD = 2
_MEMORY_FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format}


@dataclass(frozen=True)
class _Result:
    """Stands for an earlier result."""

    name: str


class _Dtype:
    """Stands for the type that the module computes in, whatever the one it was exported with."""


class _Device:
    """Stands for the device that the module is on."""


@dataclass
class _Call:
    """One call of the graph; `outputs` has `_Result`s, and lists of them, in the places of what is returned."""

    function: Callable[..., Any]
    arguments: list[Any]
    keywords: dict[str, Any]
    outputs: list[Any]
    last_used: list[str] = field(default_factory=list)

    def names(self) -> set[str]:
        """The names of all results that the call takes or gives."""
        return {*_names(self.arguments), *_names(list(self.keywords.values())), *_names(self.outputs)}


class Program(nn.Module):
    """A module that runs the graph of an archive; its weights are buffers of the module.

    Args:
        archive: where graph and weights are.

    Raises:
        WeightsError: a graph that does not turn one tensor into one, or calls an operator that is not on the list.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__()
        graph, signature = (archive.program["graph_module"][part] for part in ("graph", "signature"))
        self._calls = [
            _read_call(node, archive.path) for node in graph["nodes"] if node["target"] not in _ONLY_FOR_EXPORT
        ]
        self._output = _one(signature["output_specs"], "user_output", archive.path)
        weights: dict[str, str] = {}
        others = []
        for spec in signature["input_specs"]:
            ((kind, about),) = spec.items()
            if kind in _OWN:
                weights[about["arg"]["name"]] = about[_OWN[kind]]
            else:
                others.append(spec)
        self._input = _one(others, "user_input", archive.path)
        used = set().union(*(call.names() for call in self._calls))
        self._places = {name: f"weight_{number}" for number, name in enumerate(weights) if name in used}
        for name, place in self._places.items():
            self.register_buffer(place, archive.tensor(weights[name]))
        # Tells where the module is and what it computes in, wherever `to` takes it.
        self.register_buffer("_like", torch.empty(0))
        self._plan_forgetting()
        about = graph["tensor_values"]
        self.input_type = DTYPES.get(about[self._input]["dtype"])
        self.input_shape, self.output_shape = (_shape(about[name]) for name in (self._input, self._output))

    def forward(self, images: Tensor) -> Tensor:
        """What the graph makes of `images`.

        Raises:
            RuntimeError: a size that the program was not exported for, or an operator that failed.
        """
        if any(wanted not in (-1, got) for wanted, got in zip(self.input_shape, images.shape, strict=True)):
            raise RuntimeError(f"it was exported for {self.input_shape} only; export it with dynamic_shapes")
        values: dict[str, Any] = {name: getattr(self, place) for name, place in self._places.items()}
        # A graph may write into its input, which is the caller's.
        values[self._input] = images.clone()
        for call in self._calls:
            try:
                arguments = self._resolved(call.arguments, values)
                keywords = {name: self._resolved(value, values) for name, value in call.keywords.items()}
                result = call.function(*arguments, **keywords)
                _store(call.outputs, [result] if len(call.outputs) == 1 else result, values)
            except MALFORMED as error:
                raise RuntimeError(f"its call of {call.function} failed: {error}") from error
            for name in call.last_used:
                del values[name]
        output: Tensor = values[self._output]
        return output

    def _resolved(self, value: Any, values: dict[str, Any]) -> Any:
        if isinstance(value, list):
            return [self._resolved(item, values) for item in value]
        if isinstance(value, _Result):
            return values[value.name]
        if value is _Dtype:
            return self._like.dtype
        return self._like.device if value is _Device else value

    def _plan_forgetting(self) -> None:
        """Let each result go after the last call that has to do with it, so that memory holds what is still needed."""
        later = {self._output}
        for call in reversed(self._calls):
            call.last_used = sorted(call.names() - later)
            later |= call.names()


def _store(targets: list[Any], results: Any, values: dict[str, Any]) -> None:
    if not targets:
        return
    for target, result in zip(targets, results, strict=True):
        if isinstance(target, list):
            _store(target, result, values)
        elif target is not None:
            values[target.name] = result


def _read_call(node: dict[str, Any], path: Path) -> _Call:
    arguments, keywords = [], {}
    for given in node["inputs"]:
        value = _read_value(given["arg"], path)
        if given["kind"] == _KEYWORD:
            keywords[given["name"]] = value
        else:
            arguments.append(value)
    outputs = [_read_value(output, path) for output in node["outputs"]]
    return _Call(_function(node["target"], path), arguments, keywords, outputs)


def _function(target: str, path: Path) -> Callable[..., Any]:
    if target in _PYTHON:
        return _PYTHON[target]
    match = re.fullmatch(r"torch\.ops\.aten\.(\w+)\.(\w+)", target)
    if match is not None and match[1] in _ATEN:
        packet = getattr(torch.ops.aten, match[1])
        if match[2] in packet.overloads():
            function: Callable[..., Any] = getattr(packet, match[2])
            return function
    raise WeightsError(
        f"{path} calls {target!r}, which is not among the operators that liveseg runs; export the model as ONNX"
    )


def _read_value(argument: dict[str, Any], path: Path) -> Any:
    """A constant, a stand-in, or a list of them, from the schema's `Argument`."""
    ((kind, value),) = argument.items()
    if kind not in _READERS:
        raise WeightsError(f"{path} passes an operator {kind!r}, which liveseg does not read; export the model as ONNX")
    return _READERS[kind](value)


def _itself(value: Any) -> Any:
    return value


def _references(values: list[dict[str, Any]]) -> list[Any]:
    return [_reference(value) for value in values]


def _type(number: int) -> Any:
    return _Dtype if DTYPES[number].is_floating_point else DTYPES[number]


def _reference(value: dict[str, Any]) -> Any:
    """A result by its name, or the constant that stands in its place."""
    ((kind, inner),) = value.items()
    if kind in {"name", "as_name"}:
        return _Result(inner)
    return _reference(inner) if kind == "as_tensor" else None if kind == "as_none" else inner


def _one(specs: list[dict[str, Any]], kind: str, path: Path) -> str:
    """The name of the only tensor that goes in or comes out."""
    if [list(spec) for spec in specs] != [[kind]]:
        kinds = ", ".join(name for spec in specs for name in spec)
        raise WeightsError(f"{path} has {kinds or 'nothing'} where liveseg's models have one {kind}")
    name: str = specs[0][kind]["arg"]["as_tensor"]["name"]
    return name


def _names(value: Any) -> Iterator[str]:
    """The names of all results in an argument."""
    if isinstance(value, _Result):
        yield value.name
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _shape(about: dict[str, Any]) -> tuple[int, ...]:
    """The sizes of a tensor, -1 for one that is open."""
    return tuple(size.get("as_int", -1) for size in about["sizes"])


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("as_int", "as_bool", "as_string", "as_ints", "as_floats", "as_bools"), _itself),
    **dict.fromkeys(("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool", "as_optional_tensor"), _reference),
    **dict.fromkeys(("as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools", "as_optional_tensors"), _references),
    "as_float": float,  # infinity is text
    "as_none": lambda _: None,
    "as_scalar_type": _type,
    "as_memory_format": _MEMORY_FORMATS.__getitem__,
    "as_layout": lambda _: torch.strided,
    "as_device": lambda _: _Device,
}
