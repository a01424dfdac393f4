"""`POST /v1/segment`: a picture in, what the network found in it out, in the form that the client asks for."""
