"""How good masks are: scores that stand in reports."""

from liveseg.evaluate.flicker import FlickerMeter, FlickerScore, flicker

__all__ = ["FlickerMeter", "FlickerScore", "flicker"]
