"""The contract of an exported model: what it takes, what it gives, and how its output becomes a mask.

Every runtime speaks this contract. The input is `uint8` NHWC RGB of dynamic size, the normalisation lies inside
the graph; the output is low-resolution logits, `float32` NCHW. What cannot be read from the graph (class names,
palette, size rule, corner alignment) travels beside it as this record, in JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from liveseg.errors import WeightsError
from liveseg.labels import LabelSet

METADATA_KEY = "liveseg"
"""The key of the record in an ONNX file's `metadata_props` and in a safetensors file's header."""

SCHEMA = 1


@dataclass(frozen=True)
class ModelContract:
    """How to feed one model and read its logits.

    Args:
        name: the model's name in the registry, or one of the user's own.
        labels: its classes.
        multiple: input height and width are `k * multiple + offset`.
        offset: see `multiple`; 1 for networks trained on sizes like 32k + 1.
        align_corners: whether the logits' corner samples lie on the input's corner pixels (`True`), or its
            cells' centres are mapped as half-pixel centres (`False`); as in `torch.nn.functional.interpolate`.
        default_size: the shorter side of the input, in pixels, that the model works best at.
        quantized: whether the graph holds 8-bit integers where the network has floats.
        fixed_size: the height and width of the only input that the graph takes; `None` where it takes any.
    """

    name: str
    labels: LabelSet
    multiple: int = 1
    offset: int = 0
    align_corners: bool = False
    default_size: int = 520
    quantized: bool = False
    fixed_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        # The record may come from a file that anybody made.
        whole = (self.multiple, self.offset, self.default_size)
        switches = (self.align_corners, self.quantized)
        if not isinstance(self.name, str) or not all(isinstance(switch, bool) for switch in switches):
            raise WeightsError(f"a model's name is text, align_corners and quantized are true or false: {self}")
        if not all(type(number) is int for number in whole):
            raise WeightsError(f"the size rule of {self.name!r} is not made of whole numbers: {self}")
        if self.multiple < 1 or not 0 <= self.offset < max(self.multiple, 2) or self.default_size < 1:
            raise WeightsError(f"the size rule of {self.name!r} makes no sense: {self}")
        fixed = self.fixed_size
        if fixed is not None and not (len(fixed) == 2 and all(type(side) is int and side > 0 for side in fixed)):
            raise WeightsError(f"the fixed size of {self.name!r} is no height and width: {self}")

    def fit(self, pixels: float) -> int:
        """The input length nearest to `pixels` that the size rule allows; at least the smallest one."""
        return max(round((pixels - self.offset) / self.multiple), 1) * self.multiple + self.offset

    def to_json(self) -> str:
        """The record as JSON text."""
        record = asdict(self)
        record["labels"] = self.labels.to_json()
        record["schema"] = SCHEMA
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelContract:
        """Read the record.

        Raises:
            WeightsError: text that is no such record, or one of a newer schema.
        """
        try:
            record: dict[str, Any] = json.loads(text)
            schema = record.pop("schema")
            if schema > SCHEMA:
                raise WeightsError(f"the model was made for a newer liveseg (schema {schema}); upgrade liveseg")
            record["labels"] = LabelSet.from_json(record["labels"])
            if record.get("fixed_size") is not None:
                record["fixed_size"] = tuple(record["fixed_size"])
            return cls(**record)
        except WeightsError:
            raise
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise WeightsError(f"the model's metadata cannot be read: {error!r}") from error
