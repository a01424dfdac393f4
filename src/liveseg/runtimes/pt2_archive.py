"""What a `torch.export` archive holds, read as data: JSON, raw tensors, texts.

`torch.export.load` (PyTorch 2.13) runs code that a file brings: it unpickles weights, constants and sample inputs
without restriction, evaluates symbolic sizes as Python, looks operators up by dotted names from `torch` on, which
leads to `torch.os.system`, compiles guards, and loads compiled libraries. None of that is needed to run a network, so
the archive is read here instead. Of its pickles none is opened.
"""

from __future__ import annotations

import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any, Literal

import torch

from liveseg.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 8
"""The major version of the schema that PyTorch 2.13 writes (torch/_export/serde/schema.py); minor ones only add."""

DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32,
    8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""PyTorch's types by the numbers that the schema gives them."""

Folder = Literal["weights", "constants"]


class Archive:
    """What is in an archive.

    Args:
        file: the archive, open.
        path: its name, for messages.

    Raises:
        WeightsError: a file of another form.
    """

    def __init__(self, file: zipfile.ZipFile, path: Path) -> None:
        self.path = path
        self._zip = file
        roots = {name.partition("/")[0] for name in self._zip.namelist()}
        if len(roots) != 1:
            raise WeightsError(f"{path} holds {len(roots)} folders, where torch.export.save writes one")
        self._root = roots.pop()
        if self.text("archive_format") != "pt2" or self.text("byteorder") != sys.byteorder:
            raise WeightsError(f"{path} is no torch.export program for this machine; export it again")
        self.program: dict[str, Any] = json.loads(self._read("models/model.json"))
        version = self.program["schema_version"]["major"]
        if version != SCHEMA:
            raise WeightsError(
                f"{path} was written by another generation of PyTorch (schema {version}, not {SCHEMA}); export it"
                f" again with PyTorch {torch.__version__.partition('+')[0]}"
            )
        self._tensors: dict[Folder, dict[str, Any]] = {
            folder: json.loads(self._read(f"data/{folder}/model_{folder}_config.json"))["config"]
            for folder in ("weights", "constants")
        }

    def text(self, name: str) -> str | None:
        """The text of a file in the archive, `None` where there is no such file."""
        return self._read(name).decode("utf-8") if f"{self._root}/{name}" in self._zip.namelist() else None

    def tensor(self, name: str) -> torch.Tensor:
        """A parameter, buffer or constant by its name in the module.

        Raises:
            WeightsError: it is a pickle.
        """
        folder: Folder = "weights" if name in self._tensors["weights"] else "constants"
        payload = self._tensors[folder][name]
        about = payload["tensor_meta"]
        if payload["use_pickle"] or about is None:
            raise WeightsError(f"{self.path} holds {name!r} as a pickle, which could run code; export it as a tensor")
        dtype = DTYPES[about["dtype"]]
        sizes, strides = ([number["as_int"] for number in about[key]] for key in ("sizes", "strides"))
        content = self._read(f"data/{folder}/{payload['path_name']}")
        if not content:
            return torch.zeros(sizes, dtype=dtype)
        # PyTorch checks that sizes, strides and offset stay inside of what there is.
        flat = torch.frombuffer(bytearray(content), dtype=dtype)
        return flat.as_strided(sizes, strides, about["storage_offset"]["as_int"])

    def _read(self, name: str) -> bytes:
        about = self._zip.getinfo(f"{self._root}/{name}")
        if about.compress_type != zipfile.ZIP_STORED:
            # What is not compressed cannot unpack to more than the file's own size.
            raise WeightsError(f"{self.path} is compressed, which torch.export.save never does; export it again")
        return self._zip.read(about)
