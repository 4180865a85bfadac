# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SDK's calls against a little server, which does not answer as an engine should."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _engine_sdk
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._engine_sdk import EngineSdk

from .unix_server import serving

VERSION = {"/version": (200, {"ApiVersion": "1.45"})}


@pytest.fixture
def sdk(tmp_path):
    """Makes an SDK with a timeout of 0.3 s, whose engine answers so; handlers may wait for `over`."""
    over = threading.Event()
    servers = []

    def make(answers):
        servers.append(serving(tmp_path / "docker", {**VERSION, **answers(over)}))
        servers[-1].__enter__()
        return EngineSdk("docker", str(tmp_path / "docker"), 0.3, 4)

    yield make
    over.set()
    for server in servers:
        server.__exit__(None, None, None)


def silent(over):
    return {"/v1.45/images/create": lambda _: over.wait(10)}


def silent_after_a_line(over):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b'0b\r\n{"id": "a"}\r\n')
        handler.wfile.flush()
        over.wait(10)

    return {"/v1.45/images/create": answer}


def broken_off(_over):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b'0b\r\n{"id": "a"}\r\n0b\r\n{"i')
        handler.close_connection = True

    return {"/v1.45/images/create": answer}


@pytest.mark.parametrize("answers", [silent, silent_after_a_line, broken_off])
def test_a_pull_that_gives_no_sign_of_life_fails(sdk, answers):
    with pytest.raises(EngineError) as error:
        sdk(answers).pull("registry.example.com/a:1")
    assert str(error.value).startswith("pull registry.example.com/a:1 on docker: ")


@pytest.mark.parametrize(("engine", "sent"), [("docker", True), ("podman", True), ("podman:app", False)])
def test_roots_credentials_are_not_for_a_users_engine(tmp_path, monkeypatch, engine, sent):
    (tmp_path / "config.json").write_text('{"auths": {"registry.example.com": {"auth": "cm9vdDpzZXNhbWU="}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    asked = []

    def answer(handler):
        asked.append((handler.path, handler.headers.get("X-Registry-Auth")))
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with serving(tmp_path / "socket", {**VERSION, "/v1.45/images/create": answer}):
        EngineSdk(engine, str(tmp_path / "socket"), 1, 4).pull("registry.example.com/a:1")
    ((path, credentials),) = asked
    assert "fromImage=registry.example.com%2Fa" in path
    assert "tag=1" in path
    assert bool(credentials) == sent


@pytest.mark.parametrize(
    ("answer", "mend"),
    [
        (
            "Failed to bind port 79 (Permission denied) for option '-t 2001:db8::201/79-79:80-80'",
            "ip_unprivileged_port",
        ),
        (
            "Listen failed for HOST TCP port 2001:db8::201/79: Permission denied\nCouldn't listen on",
            "ip_unprivileged_port",
        ),
        ("rootlessport cannot expose privileged port 79, you can add", "the role ipv6.services.host lowers"),
        ("Failed to bind port 80 (Cannot assign requested address) for option", "The address is not on this host"),
        ("Failed to bind port 80 (Address already in use) for option", "Something else listens there"),
        ("setting up Pasta: pasta failed: Couldn't set IPv4 route(s) in guest", "pasta_options"),
        ("opening file: permission denied", None),
    ],
)
def test_an_error_of_rootless_podman_has_its_mend(sdk, answer, mend):
    engine = sdk(lambda _: {"/v1.45/containers/web1/start": (500, {"message": f"pasta failed:\n{answer}\n"})})
    with pytest.raises(EngineError) as error:
        engine.start("web1")
    assert str(error.value).startswith("start web1 on docker: pasta failed:\n")
    assert mend in str(error.value) if mend else str(error.value).endswith("permission denied.")


@pytest.mark.parametrize("grace", [0, 2])
def test_a_stop_may_take_as_long_as_its_container(sdk, monkeypatch, grace):
    monkeypatch.setattr(_engine_sdk, "STOP_MARGIN", 0)

    def answer(handler):
        time.sleep(0.8)
        handler.send_response(204)
        handler.end_headers()

    engine = sdk(lambda _: {"/v1.45/containers/web1/stop": answer})
    with nullcontext() if grace else pytest.raises(EngineError, match="stop web1 on docker"):
        engine.stop("web1", grace)


def test_an_answer_that_is_no_json(sdk):
    def answer(handler):
        handler.send_response(201)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"soon")

    with pytest.raises(EngineError) as error:
        sdk(lambda _: {"/v1.45/containers/create": answer}).create("web1", {})
    assert str(error.value).startswith("create web1 on docker: ")


def test_a_users_engine_that_sends_a_byte_now_and_then_is_silent_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(_engine_sdk, "_AT_LEAST", 0.2)
    over = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not over.wait(0.05):
            handler.wfile.write(b"a")

    with serving(tmp_path / "odd", {**VERSION, "/v1.45/containers/web1/start": drip}):
        engine = EngineSdk("podman:odd", str(tmp_path / "odd"), 0.3, 4)
        begin = time.monotonic()
        with pytest.raises(EngineError, match=r"start web1 on podman:odd: no whole answer within 0.5 s"):
            engine.start("web1")
        assert time.monotonic() - begin < 3
        over.set()


@pytest.mark.parametrize("answer", [{}, [], "odd", 7, {"Id": None}])
def test_an_answer_of_another_form(sdk, answer):
    engine = sdk(lambda _: {"/v1.45/containers/create": (201, answer)})
    with nullcontext() if answer == {"Id": None} else pytest.raises(EngineError, match="create web1 on docker"):
        engine.create("web1", {})
