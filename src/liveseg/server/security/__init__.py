"""Who may ask: the right name, the right origin, and the token where there is one."""
