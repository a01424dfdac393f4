"""Many files on many workers: what is done is written down, so that a run goes on where it was left."""
