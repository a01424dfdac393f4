"""Masks kept in a file: written while a video is segmented, read again without the model.

    >>> from liveseg.maskfile import MaskReader
    >>> with MaskReader("masks.nut") as masks:
    ...     for timestamp, mask in masks:
    ...         print(timestamp, (mask == masks.labels.index("person")).mean())

A mask file is a video that any player opens: JPEG-LS (ISO 14495-1) in NUT, grey levels that are class indices, with the
class names and the source's identity in its tags. `docs/maskfiles.md` says why these two.
"""

from liveseg.maskfile.header import MaskHeader
from liveseg.maskfile.identity import Identity, identity_of
from liveseg.maskfile.masked import MaskedFrame, MaskedSource
from liveseg.maskfile.reader import MaskReader, StoredMask
from liveseg.maskfile.writer import MaskWriter

__all__ = [
    "Identity",
    "MaskHeader",
    "MaskReader",
    "MaskWriter",
    "MaskedFrame",
    "MaskedSource",
    "StoredMask",
    "identity_of",
]
