"""What runs a network: one protocol, an implementation a file, and the loader that picks one."""
