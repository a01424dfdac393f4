"""Pictures made from masks."""

from liveseg.render.overlay import Painter
from liveseg.render.renderer import Renderer
from liveseg.render.style import Style, style_of

__all__ = ["Painter", "Renderer", "Style", "style_of"]
