"""A real S3 server (moto) on a free port of loopback, as a program: says its port, and ends when its input does."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()
