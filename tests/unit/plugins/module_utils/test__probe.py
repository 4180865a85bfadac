# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe against real sockets on ::1 (a service's address may not be that, the probe's own code does not mind)."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._probe import Endpoint, probe

LOOPBACK = IPv6Address("::1")


@contextmanager
def server(handle, delay=0.0):
    """A server that does `handle(connection)` with each client, and begins to listen after `delay` seconds."""
    listener = socket.socket(socket.AF_INET6)
    listener.bind(("::1", 0))

    def serve():
        time.sleep(delay)
        listener.listen()
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            handle(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def wait_for_request(connection):
    threading.Thread(target=lambda: (connection.recv(1), connection.close()), daemon=True).start()


def greet(connection):
    connection.sendall(b"220 ready\r\n")
    connection.close()


def close_at_once(connection):
    connection.close()


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        pytest.param(wait_for_request, None, id="a server that waits for a request listens"),
        pytest.param(greet, None, id="a server that speaks first listens"),
        pytest.param(
            close_at_once, "closed at once", id="a proxy before a container where nothing listens is no answer"
        ),
    ],
)
def test_what_counts_as_an_answer(handle, error):
    with server(handle) as port:
        (answer,) = probe([Endpoint("web1", LOOPBACK, port)], timeout=0.5, interval=0.1)
    assert (answer.error is None) == (error is None)
    assert error is None or error in answer.error


def test_refused_is_said_in_the_systems_words():
    with socket.socket(socket.AF_INET6) as unused:
        unused.bind(("::1", 0))
        (answer,) = probe([Endpoint("web1", LOOPBACK, unused.getsockname()[1])], timeout=0.3, interval=0.1)
    assert answer.error == "Connection refused"
    assert answer.attempts > 1


def test_a_service_that_comes_late_is_waited_for():
    with server(wait_for_request, delay=0.5) as port:
        (answer,) = probe([Endpoint("web1", LOOPBACK, port)], timeout=10, interval=0.1)
    assert answer.error is None
    assert answer.attempts > 1


def test_answers_come_in_the_order_of_the_endpoints():
    with server(wait_for_request) as one, server(greet) as two:
        asked = [Endpoint("web2", LOOPBACK, two), Endpoint("web1", LOOPBACK, one)]
        assert [a.endpoint for a in probe(asked, timeout=5, interval=0.1)] == asked


def test_nothing_to_ask_is_nothing():
    assert probe([], timeout=1, interval=0.1) == []
