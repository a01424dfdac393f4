"""Pictures made from masks."""

from liveseg.render.overlay import Painter

__all__ = ["Painter"]
