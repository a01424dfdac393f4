"""The colours of the 21 Pascal VOC classes, RGB, by class index."""

from liveseg.labels import PASCAL_VOC

label_color_map = list(PASCAL_VOC.palette)
