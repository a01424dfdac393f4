"""Videos as jobs: sent, segmented in a child process each, watched while they are made, fetched, and forgotten."""
