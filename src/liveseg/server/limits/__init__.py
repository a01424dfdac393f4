"""How much one request, one client and all of them together may take."""
