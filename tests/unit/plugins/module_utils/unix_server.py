# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A little HTTP server on a unix socket, which answers as it is told to."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that gives up is part of the tests."""

    answers: dict  # path without its query -> (status, what is sent as JSON), or a function of the handler that answers


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = self.server.answers.get(self.path.partition("?")[0], (404, {"message": "no such thing"}))
        if callable(answer):
            answer(self)
            return
        status, answer = answer
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(path, answers):
    """Answers at that socket as long as the block lasts."""
    with Server(str(path), Handler) as server:
        server.answers = answers
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()
