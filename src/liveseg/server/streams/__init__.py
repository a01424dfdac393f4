"""Live sources on the server's side: started by name or address, segmented by the service's model, shown as MJPEG."""
