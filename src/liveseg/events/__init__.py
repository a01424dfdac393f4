"""Over time: areas as they change, zones of the picture, and rules that do something when they hold."""
