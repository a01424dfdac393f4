"""`GET /v1/models`: the models that clients may ask for, their classes and colours, and how it stands with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from liveseg.labels import PASCAL_VOC
from liveseg.models.registry import MODELS
from liveseg.palettes import PALETTES, palette_of

if TYPE_CHECKING:
    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.server.engine.model import ModelState
    from liveseg.server.service import Service

_SIZES = (0.5, 0.75, 1.0, 1.5)
"""Of models whose quality by size was not measured: what their own size is multiplied by."""

EXAMPLE: dict[str, Any] = {
    "name": "lite",
    "default": True,
    "state": "ready",
    "problem": None,
    "title": "feature pyramid, EfficientNet-Lite0",
    "labels": list(PASCAL_VOC.names),
    "palette": [list(color) for color in PASCAL_VOC.palette],
    "palettes": {name: [list(color) for color in palette_of(name, PASCAL_VOC)] for name in PALETTES},
    "background": True,
    "size": 321,
    "sizes": [129, 161, 193, 225, 257, 289, 321, 385],
    "fixed_size": None,
    "multiple": 32,
    "offset": 1,
    "align_corners": True,
    "runtime": "openvino",
    "device": "cpu",
    "precision": "bfloat16",
    "bytes": 122970112,
    "batch": 1,
    "users": 0,
    "last_used_seconds": 0.5,
}


class Model(BaseModel):
    """A model that clients may ask for."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    name: str = Field(description="What to ask for it by, as `model`.")
    default: bool = Field(description="Whether it is taken where no model is named.")
    state: Literal["absent", "loading", "ready", "failed"] = Field(
        description="An absent model is loaded when it is asked for; until then the answer is 503 with Retry-After."
    )
    problem: str | None = Field(description="Why it could not be loaded.")
    title: str | None = Field(description="The network; null for weights of one's own.")
    labels: list[str] | None = Field(description="The class of each index of a mask; null until it was loaded once.")
    palette: list[tuple[int, int, int]] | None = Field(description="A colour a class, red, green and blue.")
    palettes: dict[str, list[tuple[int, int, int]]] | None = Field(
        description="The same in each palette that has a name; `safe` can be told apart by all eyes."
    )
    background: bool | None = Field(description="Whether class 0 is the background, which is not drawn.")
    size: int | Literal["native"] | None = Field(
        description="Shorter side of the network's input, in pixels, where no size is asked for."
    )
    sizes: list[int] = Field(description="Sizes worth asking for, smallest and fastest first.")
    fixed_size: tuple[int, int] | None = Field(description="Height and width of the only input that it takes.")
    multiple: int | None = Field(description="Sides of the input are rounded to k * multiple + offset.")
    offset: int | None = Field(description="See `multiple`.")
    align_corners: bool | None = Field(description="How the grid of the confidence layer lies on the picture.")
    runtime: str | None = Field(description="What runs it, while it is in memory.")
    device: str | None = Field(description="Where it runs, while it is in memory.")
    precision: str | None = Field(description="In which arithmetic, while it is in memory.")
    bytes: int = Field(description="By how much the service grew when it was loaded; 0 where that is not known.")
    batch: int = Field(description="Pictures of one shape that are segmented together while they wait.")
    users: int = Field(description="Streams and live sessions that hold it.")
    last_used_seconds: float | None = Field(description="Seconds since it was last asked for; null: never.")


class Models(BaseModel):
    """The models that clients may ask for."""

    model_config = ConfigDict(json_schema_extra={"example": {"default": "lite", "models": [EXAMPLE]}})

    default: str = Field(description="The name of the model that is taken where none is named.")
    models: list[Model] = Field(description="All of them, the default first.")


def router(service: Service) -> APIRouter:
    """The routes of the models; asking for them loads none."""
    routes = APIRouter(prefix="/v1", tags=["models"])

    @routes.get("/models", summary="Models that there are")
    async def models() -> Models:
        """Each model's classes and colours, the sizes worth asking for, and whether it is in memory."""
        engine = service.engine
        return Models(default=engine.default, models=[told(state, service.settings.size) for state in engine.models()])

    @routes.get("/models/{name}", summary="One model", responses={404: {"description": "No such model."}})
    async def model(name: str) -> Model:
        """The same of one model."""
        return told(service.engine.model(name), service.settings.size)

    return routes


def told(state: ModelState, size: Size | str | None = None) -> Model:
    """A model as clients are told of it.

    Args:
        state: how it stands with it.
        size: what the service was told to take for all models.
    """
    contract = state.contract
    labels = None if contract is None else contract.labels
    info = MODELS.get(contract.name) if contract is not None else None
    return Model(
        name=state.name,
        default=state.default,
        state=state.state,
        problem=state.problem,
        title=None if info is None else info.network,
        labels=None if labels is None else list(labels.names),
        palette=None if labels is None else list(labels.palette),
        palettes=None if labels is None else {name: list(palette_of(name, labels)) for name in PALETTES},
        background=None if labels is None else labels.background,
        size=state.size or _size(contract, size),
        sizes=_sizes(state),
        fixed_size=None if contract is None else contract.fixed_size,
        multiple=None if contract is None else contract.multiple,
        offset=None if contract is None else contract.offset,
        align_corners=None if contract is None else contract.align_corners,
        runtime=state.runtime,
        device=state.device,
        precision=state.precision,
        bytes=state.bytes,
        batch=state.batch,
        users=state.users,
        last_used_seconds=None if state.used is None else round(state.used, 3),
    )


def _size(contract: ModelContract | None, size: Size | str | None) -> Any:
    if size is not None or contract is None:
        return size
    return contract.default_size if contract.fixed_size is None else min(contract.fixed_size)


def _sizes(state: ModelState) -> list[int]:
    contract = state.contract
    if contract is None or contract.fixed_size is not None:
        return []
    info = MODELS.get(contract.name)
    if info is not None and info.quality:
        return [size for size, _ in info.quality]
    return [contract.fit(contract.default_size * scale) for scale in _SIZES]
