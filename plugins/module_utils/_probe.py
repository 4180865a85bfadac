# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask many TCP endpoints at once whether a service listens there."""

from __future__ import annotations

import asyncio
import errno
import os
import time
import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address

# A hundred under way at once: more only overflows queues, and the silent ones still cost one time-out together.
CONCURRENCY = 100

# docker-proxy accepts every connection and closes it again when nobody listens in the container: an answer that is
# closed within this many seconds, without a byte, is none.
SETTLE = 0.2


@dataclass(frozen=True)
class Endpoint:
    """One published port of a service."""

    name: str
    address: IPv6Address
    port: int


@dataclass(frozen=True)
class Answer:
    """error: what the system said last, None when a service listens. seconds: from the start until that was known."""

    endpoint: Endpoint
    seconds: float
    attempts: int
    error: str | None = None


def probe(endpoints: t.Sequence[Endpoint], timeout: float, interval: float) -> list[Answer]:
    """One answer an endpoint, in order. Each is tried again every `interval` seconds until it answers or `timeout` is over.

    timeout: seconds for the whole call, however many endpoints are silent.
    """
    return asyncio.run(_probe_all(endpoints, timeout, interval))


async def _probe_all(endpoints: t.Sequence[Endpoint], timeout: float, interval: float) -> list[Answer]:
    start = time.monotonic()
    bound = asyncio.Semaphore(CONCURRENCY)
    return list(await asyncio.gather(*(_probe_one(e, start, timeout, interval, bound) for e in endpoints)))


async def _probe_one(
    endpoint: Endpoint, start: float, timeout: float, interval: float, bound: asyncio.Semaphore
) -> Answer:
    attempts = 0
    while True:
        attempts += 1
        async with bound:
            left = max(start + timeout - time.monotonic(), 0.05)
            error = await _connect(endpoint, min(left, max(interval, 1.0)))
        now = time.monotonic()
        if error is None or now + interval > start + timeout:
            return Answer(endpoint, now - start, attempts, error)
        await asyncio.sleep(interval)


async def _connect(endpoint: Endpoint, timeout: float) -> str | None:
    """None when a service listens, else why not, in the system's words."""
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(str(endpoint.address), endpoint.port), timeout=timeout
        )
    except asyncio.TimeoutError:
        return f"no answer within {timeout:.1f} s"
    except OSError as exc:
        return os.strerror(exc.errno) if exc.errno and exc.errno in errno.errorcode else str(exc)
    try:
        first = await asyncio.wait_for(reader.read(1), timeout=SETTLE)
    except asyncio.TimeoutError:
        return None  # it waits for the client to speak first, as HTTP does
    except OSError as exc:
        return f"connection closed at once ({exc.strerror or exc})"
    finally:
        writer.close()
    return None if first else "connection closed at once: nothing listens on the container's port"
