"""Where weights come from: the catalogue of published files, their download, and the user's own files."""
