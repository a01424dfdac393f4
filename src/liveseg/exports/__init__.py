"""Masks as data that other programs read: areas, polygons, COCO, NumPy archives; arrays in, data out."""
