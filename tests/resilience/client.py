# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks services by name, again and again, until all of them answer steadily or the time is up.

lab/lab client python3 client.py SOURCE SINCE SECONDS STEADY <SERVICES

SOURCE    the client's address
SINCE     the moment from which the seconds count, as of time.time()
SECONDS   how long to ask at most
STEADY    seconds without a failure that count as answering
SERVICES  JSON, {name: {"url": …, "client": …}}; client: whom the service is to see, empty where it does not matter

Prints JSON, {name: {"after": …, "seen": …, "client": …, "error": …}}: seconds until the answers that no failure came after, or
null; seconds until they were to that client, or null; who the service says asked it at last; the last failure.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
import threading
import time
import typing as t
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

PAUSE = 0.25  # between two questions to one service
TIMEOUT = 1


class WrongAnswerError(Exception):
    """Something answered, but not the service."""


class Service:
    """What one service did while it was asked."""

    def __init__(self, name: str, url: str, client: str, source: str) -> None:
        self.name = name
        self.url = url
        self.expected = client
        self.source = source
        self.client = ""
        self.error = "not asked yet"
        self.since: float | None = None  # it answers since then
        self.seen: float | None = None  # and sees the expected client since then

    def ask(self) -> None:
        at = time.time()
        try:
            said = fetch(self.url, self.name, self.source)
        except (OSError, http.client.HTTPException, WrongAnswerError) as error:
            self.since = self.seen = None
            self.error = str(error) or type(error).__name__
            return
        self.client = said.get("Remote", "").rpartition(":")[0].strip("[]")
        self.since = self.since or at
        self.seen = (self.seen or at) if self.expected in ("", self.client) else None

    def steady(self, seconds: float) -> bool:
        return self.since is not None and self.seen is not None and time.time() - max(self.since, self.seen) >= seconds

    def report(self, start: float) -> dict[str, t.Any]:
        def after(moment: float | None) -> float | None:
            return None if moment is None else round(max(0.0, moment - start), 1)

        error = self.error if self.since is None else ""
        return {"after": after(self.since), "seen": after(self.seen), "client": self.client, "error": error}


def fetch(url: str, name: str, source: str) -> dict[str, str]:
    """The lines `Word: …` of the answer; asked by the name alone, over IPv6 alone."""
    parts = urllib.parse.urlsplit(url)
    address = socket.getaddrinfo(parts.hostname, parts.port or 80, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
    connection = http.client.HTTPConnection(
        str(address[0]), int(address[1]), timeout=TIMEOUT, source_address=(source, 0)
    )
    try:
        connection.request("GET", "/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise WrongAnswerError(f"HTTP {answer.status}")
    said = dict(re.findall(r"^(\w+): (.*?)\r?$", body, re.MULTILINE))
    if said.get("Name", name) not in (name, name.partition(".")[0]):
        raise WrongAnswerError(f"{said['Name']} answers in its place")
    return said


def watch(services: list[Service], start: float, seconds: float, steady: float) -> None:
    done = threading.Event()

    def ask_again(service: Service) -> None:
        while not done.wait(PAUSE):
            service.ask()

    with ThreadPoolExecutor(len(services)) as pool:
        asked = [pool.submit(ask_again, service) for service in services]
        while time.time() < start + seconds and not all(s.steady(steady) for s in services):
            time.sleep(0.1)
        done.set()
    for one in asked:
        one.result()


def main(arguments: list[str]) -> None:
    source, *numbers = arguments
    start, seconds, steady = map(float, numbers)
    services = [Service(name, **one, source=source) for name, one in json.load(sys.stdin).items()]
    if services:
        watch(services, start, seconds, steady)
    json.dump({s.name: s.report(start) for s in services}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
