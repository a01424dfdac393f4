"""The networks, one file an architecture; with their registry and their checkpoints."""
