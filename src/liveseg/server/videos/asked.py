"""What a client may ask for with a video, in the query or as fields of the form."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from liveseg.palettes import PALETTES
from liveseg.render.overlay import DEFAULT_ALPHA
from liveseg.server.problems import Problem
from liveseg.server.videos.answers import VideoOptions
from liveseg.server.videos.outputs import OutputName  # noqa: TC001 - pydantic reads the annotations when it runs


class Asked(BaseModel):
    """What may be asked for; what the query leaves out may stand in the form."""

    model_config = ConfigDict(extra="ignore")

    output: OutputName = Field("overlay", description="What is made of the video.")
    model: str | None = Field(None, description="A model of this service; its default one by default.", max_length=64)
    size: int | None = Field(
        None, description="Shorter side of the network's input, in pixels; the model's own by default.", ge=32, le=2048
    )
    smooth: bool = Field(True, description="Steady the masks over time.")
    alpha: float = Field(DEFAULT_ALPHA, description="Opacity of the colours, from 0 to 1.", ge=0, le=1)
    palette: str = Field("model", description=f"Colours: {', '.join(PALETTES)}.")
    classes: str | None = Field(None, description="Draw only these classes, like `person,car`.", max_length=2000)
    contours: bool = Field(False, description="Draw the borders of classes.")
    name: str | None = Field(
        None, description="What to call the file in answers; a form's file name by default.", max_length=1000
    )

    @field_validator("palette")
    @classmethod
    def _named(cls, palette: str) -> str:
        # By name only: what else is taken for a palette elsewhere is a file.
        if palette not in PALETTES:
            raise ValueError(f"no such palette; choose one of {', '.join(PALETTES)}")
        return palette

    def with_fields(self, fields: dict[str, str]) -> Asked:
        """The same with what a form says besides.

        Raises:
            Problem: a value that makes no sense.
        """
        given = {name: value for name, value in fields.items() if name in Asked.model_fields and value}
        try:
            from_form = Asked.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "form"
            raise Problem(422, f"{name}: {first['msg']}", parameter=name) from None
        return from_form.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def options(self, model: str) -> VideoOptions:
        """What a job is given.

        Args:
            model: the name of the one that is meant.
        """
        names = [name.strip() for name in (self.classes or "").split(",") if name.strip()]
        return VideoOptions(
            output=self.output,
            model=model,
            size=self.size,
            smooth=self.smooth,
            alpha=self.alpha,
            palette=self.palette,
            classes=names or None,
            contours=self.contours,
        )
