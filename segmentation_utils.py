"""The tutorial's three helper functions: logits of an image, logits to colours, colours over the image."""

from liveseg.tutorial.functions import draw_segmentation_map, get_segment_labels, image_overlay

__all__ = ["draw_segmentation_map", "get_segment_labels", "image_overlay"]
