"""Low-resolution logits to a full-size mask and its confidence, without building the full-size logits."""

from liveseg.postprocess.confidence import upsampled_below, upsampled_confidence
from liveseg.postprocess.grid import check_finite, upsampled
from liveseg.postprocess.winners import upsampled_argmax

__all__ = ["check_finite", "upsampled", "upsampled_argmax", "upsampled_below", "upsampled_confidence"]
