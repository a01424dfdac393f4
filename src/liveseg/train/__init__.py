"""Training: networks for classes of one's own."""
