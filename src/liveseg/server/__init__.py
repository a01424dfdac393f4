"""The service: a page in the browser, and the same thing as an API; `liveseg serve` runs it.

`create_app` puts it together, `Service` is what its routes share, `serve` runs it until a signal ends it. What a
request meets on its way in, from the outside: `limits.connections`, `log`, `security`, `limits`, then its route.
"""
