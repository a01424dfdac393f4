"""Live over a WebSocket: frames come in, the newest is segmented, and its mask or overlay goes out."""
