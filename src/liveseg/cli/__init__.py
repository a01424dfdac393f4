"""The command line: one file a command, options derived from `liveseg.settings`."""
