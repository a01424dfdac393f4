"""How the pages look that liveseg writes and people keep: one file each, light and dark, loading nothing."""
