# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reach.py WHAT...: what a client gets, of all at the same time, as JSON.

WHAT is `tcp ADDRESS PORT`, `udp ADDRESS PORT`, `ping ADDRESS`, `all ADDRESS PORT` (how many bytes there are in 5 s), or
`many ADDRESS PORT` (how many of 60 connections there are).
"""

from __future__ import annotations

import concurrent.futures
import json
import socket
import subprocess
import sys

SECONDS = 1


def tcp(address: str, port: str) -> str:
    try:
        with socket.create_connection((address, int(port)), SECONDS):
            return "open"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"


def udp(address: str, port: str) -> str:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect((address, int(port)))
        sock.send(b"ping")
        try:
            return "open" if sock.recv(10) == b"ping" else "strange"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"


def ping(address: str) -> str:
    argv = ["ping", "-c1", f"-W{SECONDS}", "-s1300", address]
    return "open" if subprocess.run(argv, check=False, capture_output=True).returncode == 0 else "silent"


def everything(address: str, port: str) -> int:
    size = 0
    with socket.create_connection((address, int(port)), 5) as connection:
        while part := connection.recv(1 << 20):
            size += len(part)
    return size


def many(address: str, port: str) -> int:
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        return sum(answer == "open" for answer in pool.map(lambda _number: tcp(address, port), range(60)))


HOW = {"tcp": tcp, "udp": udp, "ping": ping, "all": everything, "many": many}


def reach(what: str) -> object:
    how, *where = what.split()
    try:
        return HOW[how](*where)
    except OSError as exc:
        return str(exc)


with concurrent.futures.ThreadPoolExecutor(100) as executor:
    sys.stdout.write(json.dumps(dict(zip(sys.argv[1:], executor.map(reach, sys.argv[1:])))))
