# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reader against a real little server on a unix socket."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _engine_reader
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader

from .unix_server import serving

ANSWERS = {
    "/good": (200, b'[{"Id": "1"}]'),
    "/absent": (404, b'{"message": "No such container: absent"}'),
    "/broken": (500, b'{"cause": "lock", "message": "database is locked"}'),
    "/text": (200, b"404 page not found"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body = ANSWERS[self.path.partition("?")[0]]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if "close" in self.path:  # as an engine does with a connection that was idle too long, without saying so
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    connections = 0

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


@pytest.fixture
def server(tmp_path):
    with Server(str(tmp_path / "socket"), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_one_connection_is_kept(server):
    reader = EngineReader(server.server_address)
    assert [reader.get("/good") for dummy in range(3)] == [[{"Id": "1"}]] * 3
    assert server.connections == 1


def test_a_connection_that_the_engine_closed_is_made_again(server):
    reader = EngineReader(server.server_address)
    reader.get("/good?close")
    assert reader.get("/good") == [{"Id": "1"}]


def test_each_thread_has_its_own_connection(server):
    reader = EngineReader(server.server_address)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(reader.get("/good"))) for dummy in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[{"Id": "1"}]] * 8


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/absent", 404, "No such container: absent"),
        ("/broken", 500, "database is locked"),
        ("/text", 200, "no JSON in the answer"),
    ],
)
def test_errors_name_the_call_the_status_and_the_answer(server, path, status, text):
    with pytest.raises(EngineError) as error:
        EngineReader(server.server_address).get(path)
    assert error.value.status == status
    assert path in str(error.value)
    assert text in str(error.value)


def test_find_returns_none_for_what_is_not_there(server):
    reader = EngineReader(server.server_address)
    assert reader.find("/absent") is None
    assert reader.find("/good") == [{"Id": "1"}]
    with pytest.raises(EngineError):
        reader.find("/broken")


def test_a_socket_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError) as error:
        EngineReader(str(tmp_path / "none")).get("/good")
    assert error.value.status == 0
    assert error.value.nobody_there
    assert str(tmp_path / "none") in str(error.value)


def test_a_socket_that_nobody_listens_at_any_more(tmp_path):
    path = str(tmp_path / "left")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with pytest.raises(EngineError) as error:
        EngineReader(path).get("/good")
    assert error.value.nobody_there


def test_an_engine_that_fails_is_there(server):
    with pytest.raises(EngineError) as error:
        EngineReader(server.server_address).get("/broken")
    assert not error.value.nobody_there


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b" " * 4096)


def byte_by_byte(handler):
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)


def huge(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**18))
    handler.end_headers()


def no_number(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n")
    handler.close_connection = True


def deep(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "200000")
    handler.end_headers()
    handler.wfile.write(b"[" * 200000)


@pytest.mark.parametrize("answer", [endless, byte_by_byte, huge, no_number, deep])
def test_whatever_a_users_socket_answers_is_an_error_soon(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(_engine_reader, "LARGEST", 1 << 20)
    with serving(tmp_path / "odd", {"/odd": answer}):
        begin = time.monotonic()
        with pytest.raises(EngineError) as error:
            EngineReader(str(tmp_path / "odd"), timeout=0.5).get("/odd")
    assert time.monotonic() - begin < 2
    assert str(error.value).startswith(f"GET /odd on {tmp_path}/odd: ")


def test_a_long_message_is_cut(tmp_path):
    with serving(tmp_path / "odd", {"/odd": (500, {"message": "a" * 100000})}), pytest.raises(EngineError) as error:
        EngineReader(str(tmp_path / "odd")).get("/odd")
    assert len(str(error.value)) < 2000


def test_who_listens_is_known(server):
    assert EngineReader(server.server_address, owner=os.getuid()).get("/good")
    with pytest.raises(EngineError, match=f"not the user 4711, but {os.getuid()}") as error:
        EngineReader(server.server_address, owner=4711).get("/good")
    assert not error.value.nobody_there
