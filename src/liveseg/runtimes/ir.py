"""OpenVINO's own format: an `.xml` that holds the graph and the contract, and the `.bin` beside it with the weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from liveseg.contract import METADATA_KEY
from liveseg.errors import MissingExtraError, SinkError, WeightsError
from liveseg.files import atomic_write, refuse_existing
from liveseg.runtimes.base import first_line, import_openvino
from liveseg.runtimes.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    from liveseg.contract import ModelContract


def require_openvino(purpose: str, *, extra: str = "openvino") -> ModuleType:
    """The `openvino` module, for a purpose that the message begins with; the message names the extra.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_openvino()
    except ImportError as error:
        raise MissingExtraError(f"{purpose} needs OpenVINO: pip install 'liveseg[{extra}]'") from error


def write_ir(graph: Path | Any, contract: ModelContract, path: Path) -> None:
    """Write a graph as `.xml` and `.bin`, unchecked, its weights as they are.

    Args:
        graph: an ONNX file, or an OpenVINO model.
        contract: what the file says about itself.
        path: the `.xml`.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        WeightsError: a graph that OpenVINO cannot read, or not at the contract's fixed size.
        SinkError: the files cannot be written.
    """
    ov = require_openvino("writing OpenVINO's format")
    name = "the graph" if isinstance(graph, ov.Model) else graph
    with quietly():
        try:
            model = graph if isinstance(graph, ov.Model) else ov.Core().read_model(str(graph))
            if contract.fixed_size is not None:
                model.reshape([-1, *contract.fixed_size, 3])
        except RuntimeError as error:
            at = "" if contract.fixed_size is None else " at {1}x{0}".format(*contract.fixed_size)
            raise WeightsError(
                f"OpenVINO cannot read {name}{at}: {first_line(error)}; choose another format"
            ) from error
        model.set_rt_info(contract.to_json(), [METADATA_KEY])
        try:
            # Weights rounded to half precision would be other weights than those that the gate compares with.
            ov.save_model(model, str(path), compress_to_fp16=False)
        except RuntimeError as error:
            raise SinkError(f"cannot write {path}: {first_line(error)}") from error


@contextmanager
def atomic_pair(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """As `files.atomic_write` for an `.xml`, with its `.bin`: both appear, or neither.

    There is no moment at which an `.xml` has another's `.bin` beside it: an old one goes first.
    """
    weights = target.with_suffix(".bin")
    refuse_existing(weights, overwrite=overwrite)
    with atomic_write(target, overwrite=overwrite) as partial, atomic_write(weights, overwrite=overwrite):
        yield partial
        target.unlink(missing_ok=True)
