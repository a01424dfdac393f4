"""The torch runtime for a program that `torch.export` saved: a model without its Python code."""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING

import torch

from liveseg.contract import METADATA_KEY
from liveseg.errors import WeightsError
from liveseg.runtimes.base import check_logits, first_line, stated_contract
from liveseg.runtimes.pt2_archive import Archive
from liveseg.runtimes.pt2_program import MALFORMED, Program
from liveseg.runtimes.torch import ModuleRuntime

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.contract import ModelContract
    from liveseg.labels import LabelSet
    from liveseg.settings import Precision

RECORD = f"{METADATA_KEY}.json"
"""The name of the contract among the `extra_files` of `torch.export.save`."""

_UNREADABLE = (*MALFORMED, OSError, EOFError, RuntimeError, zipfile.BadZipFile, struct.error)


class Pt2Runtime(ModuleRuntime):
    """A network in a file of `torch.export.save` that keeps liveseg's contract.

    No code of the file runs, and no pickle in it is opened: its graph is read as data and interpreted.

    Args:
        path: the file; its `extra_files` may hold the contract as `liveseg.json`.
        contract: the contract, in place of the one that the file holds.
        labels: the classes, in place of those of the contract.
        device: as `ModuleRuntime` takes it, like the rest.
        threads: likewise.
        precision: likewise.

    Raises:
        WeightsError: a file that is no such program, calls what is not on liveseg's list of operators, or whose input
            or output breaks the contract.
        DeviceError: a device that was asked for and is not there.
        UsageError: a precision that PyTorch has not.
    """

    def __init__(
        self,
        path: Path,
        *,
        contract: ModelContract | None = None,
        labels: LabelSet | None = None,
        device: str = "auto",
        threads: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        try:
            with zipfile.ZipFile(path) as file:
                archive = Archive(file, path)
                text = archive.text(f"extra/{RECORD}")
                program = Program(archive)
        except WeightsError:
            raise
        except _UNREADABLE as error:
            raise WeightsError(f"{path} cannot be read as a torch.export program: {first_line(error)}") from error
        contract = stated_contract(text, path, contract=contract, labels=labels)
        _check(program, contract, path)
        super().__init__(program, contract, device=device, threads=threads, precision=precision)


def _check(program: Program, contract: ModelContract, path: Path) -> None:
    shape = program.input_shape
    if program.input_type != torch.uint8 or len(shape) != 4 or shape[3] != 3:
        raise WeightsError(
            f"{path} takes {program.input_type} {shape}; liveseg's models take one uint8 input (N, H, W, 3) with the"
            " normalisation inside"
        )
    check_logits(program.output_shape, contract)
