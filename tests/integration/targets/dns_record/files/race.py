# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""race.py PORT SERVER COMMAND...: a name server on ::1 that passes all on to SERVER, and runs COMMAND before the first update.

So somebody else is always faster. Ends when its input ends.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading

UPDATE = 5


def take(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def take_message(connection: socket.socket) -> bytes:
    head = take(connection, 2)
    return head + take(connection, struct.unpack("!H", head)[0])


def serve(client: socket.socket, server: str, command: list[str]) -> None:
    with client, socket.create_connection((server, 53)) as upstream:
        threading.Thread(target=answer, args=(upstream, client), daemon=True).start()
        try:
            while True:
                message = take_message(client)
                if (message[4] >> 3) & 0xF == UPDATE and command:
                    subprocess.run(command, check=True, timeout=30)
                    command.clear()
                upstream.sendall(message)
        except (EOFError, OSError):
            pass


def answer(upstream: socket.socket, client: socket.socket) -> None:
    try:
        while True:
            client.sendall(take_message(upstream))
    except (EOFError, OSError):
        pass


def main(port: str, server: str, *command: str) -> None:
    listener = socket.create_server(("::1", int(port)), family=socket.AF_INET6)
    remaining = list(command)

    def accept() -> None:
        while True:
            client, _address = listener.accept()
            threading.Thread(target=serve, args=(client, server, remaining), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
