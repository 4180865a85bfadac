"""Measures from outside what a host's own address goes through, by an echo over one connection and a ping.

steady.py ADDRESS SECONDS. Writes JSON: rounds and the worst one in ms, pings and how many were lost.
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time

ADDRESS, SECONDS = sys.argv[1], float(sys.argv[2])
ping = subprocess.Popen(
    # Not for a time (-w): what is on its way when that is over counts as lost.
    ["ping", "-q", "-n", "-i", "0.02", "-c", f"{SECONDS * 50:.0f}", "-W", "2", ADDRESS],
    stdout=subprocess.PIPE,
    text=True,
)


def connect() -> socket.socket:
    """The other end may still be starting."""
    for _attempt in range(50):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((ADDRESS, 7007), timeout=10)
        time.sleep(0.1)
    sys.exit("nobody answers")


rounds, worst = 0, 0.0
with connect() as echo:
    echo.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        start = time.monotonic()
        echo.sendall(b"x")
        if echo.recv(1) != b"x":
            sys.exit("the connection ended")
        worst, rounds = max(worst, time.monotonic() - start), rounds + 1
        time.sleep(0.01)
sent, received = map(int, re.findall(r"(\d+) packets transmitted, (\d+) received", ping.communicate()[0])[0])
json.dump({"rounds": rounds, "worst_ms": round(worst * 1000, 1), "pings": sent, "lost": sent - received}, sys.stdout)
