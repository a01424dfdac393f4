"""The tutorial's programs and functions, on liveseg's own parts.

"Semantic Segmentation using PyTorch DeepLabV3 and Lite R-ASPP with MobileNetV3 Backbone", Sovit Ranjan Rath.
"""
