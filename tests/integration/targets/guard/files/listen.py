# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that answer on every address of a host: TCP 8080 to 8083, which send 3 MB, and UDP 8080 and 8081, which send back."""

from __future__ import annotations

import contextlib
import socket
import threading

MUCH = b"x" * 3_000_000


def serve(port: int) -> None:
    with socket.create_server(("::", port), family=socket.AF_INET6) as server:
        while True:
            connection = server.accept()[0]
            threading.Thread(target=send, args=(connection,), daemon=True).start()


def send(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.sendall(MUCH)


def send_back(port: int) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.bind(("::", port))
        while True:
            data, where, _flags, peer = sock.recvmsg(100, 100)
            sock.sendmsg([data], where, 0, peer)  # from the address that was asked


for number in (8080, 8081, 8082, 8083):
    threading.Thread(target=serve, args=(number,)).start()
for number in (8080, 8081):
    threading.Thread(target=send_back, args=(number,)).start()
