"""many.py serve|ask PREFIX COUNT: as many services, each on an address of its own of the prefix, and a client that asks each.

A service answers with the address that it was asked on. The client writes how many did.
"""

import contextlib
import ipaddress
import selectors
import socket
import sys

VERB, PREFIX, COUNT = sys.argv[1], ipaddress.IPv6Network(sys.argv[2]), int(sys.argv[3])
ADDRESSES = [str(PREFIX[number]) for number in range(0x1000, 0x1000 + COUNT)]


def serve() -> None:
    with selectors.DefaultSelector() as waiting:
        for address in ADDRESSES:
            server = socket.create_server((address, 80), family=socket.AF_INET6)
            waiting.register(server, selectors.EVENT_READ, server)
        while True:
            for key, _events in waiting.select():
                connection, _peer = key.data.accept()
                with connection:
                    connection.sendall(connection.getsockname()[0].encode())


def ask() -> None:
    answered = 0
    for address in ADDRESSES:
        with contextlib.suppress(OSError), socket.create_connection((address, 80), timeout=2) as connection:
            answered += connection.recv(100).decode() == address
    sys.stdout.write(str(answered))


serve() if VERB == "serve" else ask()
