"""Long videos in pieces: cut at key frames, taken by many workers, and joined as if they had never been cut."""

from liveseg.batch.pieces.split import pieces_of

__all__ = ["pieces_of"]
