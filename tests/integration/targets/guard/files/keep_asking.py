# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""keep_asking.py SECONDS ADDRESS...: how often each has answered on port 22, asked every 20 ms by a new connection, as JSON."""

from __future__ import annotations

import json
import select
import socket
import sys
import time

PATIENCE = 1  # seconds that a connection gets

end = time.monotonic() + float(sys.argv[1])
answers = dict.fromkeys(sys.argv[2:], 0)
asking: dict[socket.socket, tuple[str, float]] = {}
while time.monotonic() < end:
    for address in answers:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.connect_ex((address, 22))
        asking[sock] = (address, time.monotonic())
    time.sleep(0.02)
    done = select.select([], list(asking), [], 0)[1]
    for sock in done:
        answers[asking[sock][0]] += sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    for sock in {*done, *(sock for sock, (_address, since) in asking.items() if time.monotonic() - since > PATIENCE)}:
        del asking[sock]
        sock.close()
sys.stdout.write(json.dumps(answers))
