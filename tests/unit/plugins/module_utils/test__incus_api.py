# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API against a real little server on a unix socket."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _incus_api
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import IncusApi, path_of


def sync(metadata):
    return 200, {"type": "sync", "status_code": 200, "metadata": metadata}


def operation(code, err="", metadata=None):
    return sync({"id": "1", "status": "Failure", "status_code": code, "err": err, "metadata": metadata})


ASYNC = (202, {"type": "async", "operation": "/1.0/operations/1"})
REFUSED = (400, {"type": "error", "error_code": 400, "error": "Instance is running"})


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        server = self.server
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.asked.append((self.command, self.path, data.decode(), dict(self.headers)))
        answers = server.answers[f"{self.command} {self.path.partition('?')[0]}"]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", "abc")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer()

    def do_PUT(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture(name="serve")
def _serve(tmp_path):
    servers = []

    def serve(answers):
        path = str(tmp_path / "unix.socket")
        server = Server(path, Handler)
        server.answers, server.asked = answers, []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return IncusApi(path), server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_path_of():
    assert path_of("instances", "a b", "state", project="p/q", x="1") == "/1.0/instances/a%20b/state?project=p%2Fq&x=1"
    assert path_of("networks", "n") == "/1.0/networks/n"


def test_get_find_and_text(serve):
    api, _server = serve(
        {
            "GET /1.0": [sync({"a": 1})],
            "GET /1.0/none": [(404, {"type": "error", "error_code": 404, "error": "not found"})],
            "GET /1.0/log": [(200, b"one\ntwo\n")],
        }
    )
    assert api.get_tagged("/1.0") == ({"a": 1}, "abc")
    assert api.find("/1.0/none") is None
    assert api.text("/1.0/log") == "one\ntwo\n"
    with pytest.raises(EngineError, match="status 404, not found") as error:
        api.get("/1.0/none")
    assert error.value.status == 404


def test_a_change_names_what_it_changes_and_waits(serve):
    api, server = serve(
        {
            "PUT /1.0/instances/a": [ASYNC],
            "GET /1.0/operations/1/wait": [operation(103), operation(200, metadata={"x": 1})],
        }
    )
    assert api.change("PUT", "/1.0/instances/a?project=p", {"b": 1}, etag="abc") == {"x": 1}
    method, _path, data, headers = server.asked[0]
    assert (method, json.loads(data), headers["If-Match"]) == ("PUT", {"b": 1}, "abc")


@pytest.mark.parametrize(
    "answers, text, status",
    [
        pytest.param({"POST /x": [REFUSED]}, "POST /x on .*: status 400, Instance is running", 400, id="refused"),
        pytest.param(
            {"POST /x": [ASYNC], "GET /1.0/operations/1/wait": [operation(400, "No space left")]},
            "POST /x on .*: No space left",
            400,
            id="an operation that fails, as LXD says it",
        ),
        pytest.param(
            {
                "POST /x": [ASYNC],
                "GET /1.0/operations/1/wait": [(200, {"type": "error", "error_code": 400, "error": "No space"})],
            },
            "POST /x on .*: No space",
            400,
            id="and as Incus says it",
        ),
        pytest.param({"POST /x": [(200, b"<html>")]}, "no JSON in the answer", 200, id="no JSON"),
        pytest.param(
            {"POST /x": [(412, {"type": "error", "error": "ETag doesn't match"})]}, "ETag", 412, id="changed meanwhile"
        ),
        pytest.param(
            {"POST /x": [ASYNC], "GET /1.0/operations/1/wait": [operation(103)]},
            "no sign of life for 0.05 s",
            0,
            id="no end",
        ),
    ],
)
def test_what_goes_wrong(serve, answers, text, status):
    api, _server = serve(answers)
    with pytest.raises(EngineError, match=text) as error:
        api.change("POST", "/x", {"secret": "xyzzy"}, timeout=0.05)
    assert error.value.status == status
    assert "xyzzy" not in str(error.value)


def test_a_download_that_goes_on_is_waited_for(serve):
    steps = [operation(103, metadata={"download_progress": f"{n}%"}) for n in range(5)]
    api, _server = serve({"POST /x": [ASYNC], "GET /1.0/operations/1/wait": [*steps, operation(200)]})
    assert api.change("POST", "/x", timeout=0.0001) is None


def test_a_file(serve):
    api, server = serve({"POST /1.0/instances/a/files": [sync({})]})
    api.upload("/1.0/instances/a/files?path=/etc/x", "ä")
    _method, _path, data, headers = server.asked[0]
    assert data == "ä"
    assert headers["X-Incus-type"] == headers["X-LXD-type"] == "file"


def test_nobody_there(tmp_path):
    with pytest.raises(EngineError, match="No such file") as error:
        IncusApi(str(tmp_path / "none")).get("/1.0")
    assert error.value.nobody_there


def test_the_engine_holds_a_request_for_less_than_an_answer_may_take():
    assert _incus_api._POLL < _incus_api._TIMEOUT
