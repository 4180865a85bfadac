# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""watch.py FILE ADDRESS...: ask each over HTTP every 0.1 s while FILE is there; print for each, as JSON, the longest time
in seconds between two answers, and how many servers (whoami's Hostname) answered.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import sys
import time


def ask(address: str) -> str | None:
    """The server's name, or None when it does not answer."""
    connection = http.client.HTTPConnection(address, 80, timeout=0.5)
    try:
        connection.request("GET", "/")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return next((line for line in text.splitlines() if line.startswith("Hostname:")), "?")


def watch(file: str, address: str) -> dict[str, object]:
    last = time.monotonic()
    longest, servers = 0.0, []
    while os.path.exists(file):
        server = ask(address)
        if server:
            longest = max(longest, time.monotonic() - last)
            last = time.monotonic()
            servers += [server] if server not in servers else []
        time.sleep(0.1)
    longest = max(longest, time.monotonic() - last)
    return {"longest": round(longest, 2), "servers": len(servers)}


def main(file: str, *addresses: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
        found = pool.map(lambda address: watch(file, address), addresses)
        print(json.dumps(dict(zip(addresses, found))))  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
