# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call against engines that are not there, and against some that answer oddly."""

from __future__ import annotations

import errno
import threading
from contextlib import ExitStack

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _container_call
from ansible_collections.ipv6.services.plugins.module_utils._container_call import Call, Request
from ansible_collections.ipv6.services.plugins.module_utils._container_report import report
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError

from .unix_server import serving

ENTRY = {"name": "web1", "address": "2001:db8::201", "image": "a:1", "ports": [80]}
LIST, IMAGE, NETWORKS = "/containers/json", "/images/a%3A1/json", "/networks"
# An engine with the image and the network, and no container.
EMPTY = {
    LIST: (200, []),
    IMAGE: (200, {"Id": "sha256:1"}),
    NETWORKS: (200, [{"Name": "ipv6-services", "EnableIPv6": True}]),
}


def listed(name, ident="1", **labels):
    labels = {"ipv6.services.name": name, "ipv6.services.address": "2001:db8::201", **labels}
    return {"Id": ident, "Names": [f"/{name}"], "State": "running", "Image": "a:1", "Labels": labels}


@pytest.fixture
def call(tmp_path):
    """Makes a call in check mode; `engines` are those that answer."""
    with ExitStack() as stack:

        def run(*entries, engines=(), check_mode=True, purge=False, **options):
            for engine, answers in dict(engines).items():
                stack.enter_context(serving(tmp_path / engine, answers))
            sockets = {engine: str(tmp_path / engine) for engine in ("docker", "podman")}
            done = Call(
                Request(
                    entries=entries or [{**ENTRY}],
                    engine="docker",
                    sockets=sockets,
                    network="ipv6-services",
                    threads=4,
                    purge=purge,
                    wait_timeout=60,
                    pull_timeout=60,
                    check_mode=check_mode,
                    **options,
                )
            )
            done.parse()
            done.read()
            done.pull()
            return done, done.apply(done.plan())

        yield run


def test_an_engine_that_does_not_answer_is_an_error(call, tmp_path):
    done, outcomes = call(check_mode=False)
    assert outcomes == []
    assert done.errors["web1"].startswith(f"docker does not answer at {tmp_path}/docker")


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_in_check_mode_it_is_taken_for_one_that_role_host_will_start(call, tmp_path, engine):
    done, (outcome,) = call({**ENTRY, "engine": engine})
    assert done.errors == {}
    assert outcome.step.action == "created"
    assert outcome.step.unknown == (
        f"{engine} does not answer at {tmp_path}/{engine} yet, so what it has is not known",
    )


def test_in_check_mode_nothing_is_gone_from_an_engine_that_does_not_answer(call):
    _done, (outcome,) = call({**ENTRY, "state": "absent"})
    assert outcome.step.action == "none"
    assert outcome.step.unknown


def test_in_check_mode_an_engine_that_fails_is_an_error(call):
    done, outcomes = call(engines={"docker": {LIST: (500, {"message": "database is locked"})}})
    assert outcomes == []
    assert "database is locked" in done.errors["web1"]


@pytest.mark.parametrize(
    ("number", "text"), [(errno.EACCES, "set `become: true`"), (errno.ETIMEDOUT, "can't be asked")]
)
def test_in_check_mode_a_socket_that_cannot_be_used_is_an_error(call, monkeypatch, number, text):
    class Reader:
        def __init__(self, path, timeout, owner):
            pass

        def get(self, _path):
            raise EngineError("GET: refused", number=number)

    monkeypatch.setattr(_container_call, "EngineReader", Reader)
    done, outcomes = call()
    assert outcomes == []
    assert text in done.errors["web1"]


def both(*containers):
    """One engine with these containers, which answers at both sockets."""
    return {engine: {**EMPTY, LIST: (200, list(containers))} for engine in ("docker", "podman")}


def test_podmans_socket_under_dockers_name_is_read_once(call, tmp_path):
    (tmp_path / "docker").symlink_to(tmp_path / "podman")
    there = [listed("web1"), listed("web2", "2")]
    done, outcomes = call(
        {"name": "web1", "state": "absent", "engine": "podman"},
        engines={"podman": {**EMPTY, LIST: (200, there)}},
        purge=True,
    )
    assert done.errors == {}
    assert [(o.step.name, o.step.action, o.step.engine, o.step.leftovers) for o in outcomes] == [
        ("web1", "removed", "podman", ()),
        ("web2", "removed", "podman", ()),
    ]


def test_a_service_that_wants_docker_there_is_refused(call, tmp_path):
    (tmp_path / "docker").symlink_to(tmp_path / "podman")
    done, outcomes = call(engines={"podman": EMPTY})
    assert outcomes == []
    assert "the package podman-docker" in done.errors["web1"]
    assert "engine: podman" in done.errors["web1"]


def test_a_container_that_both_sockets_list_is_there_once(call):
    _done, outcomes = call(
        {"name": "web1", "state": "absent"}, engines=both(listed("web1"), listed("web2", "2")), purge=True
    )
    assert [(o.step.name, o.step.action, o.step.leftovers) for o in outcomes] == [
        ("web1", "removed", ()),
        ("web2", "removed", ()),
    ]


def test_a_service_to_keep_is_not_purged(call):
    there = {**EMPTY, LIST: (200, [listed("web1"), listed("web2", "2"), listed("web3.example.com", "3")])}
    _done, outcomes = call(
        {"name": "web1", "state": "absent"},
        engines={"docker": there},
        purge=True,
        keep=["web3.example.com", "not-there"],
    )
    assert [(o.step.name, o.step.action) for o in outcomes] == [("web1", "removed"), ("web2", "removed")]


WEB2 = {**ENTRY, "name": "web2", "address": "2001:db8::202", "image": "b:1"}
BROKEN = (500, {"message": "database is locked"})


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({IMAGE: BROKEN}, id="the image can't be inspected"),
        pytest.param(
            {LIST: (200, [listed("web1")]), "/containers/1/json": BROKEN}, id="the container can't be inspected"
        ),
    ],
)
def test_an_odd_answer_concerns_the_services_that_it_is_about(call, answers):
    engine = {**EMPTY, "/images/b%3A1/json": (200, {"Id": "sha256:2"}), **answers}
    done, (outcome,) = call(ENTRY, WEB2, engines={"docker": engine})
    assert (outcome.step.name, outcome.step.action) == ("web2", "created")
    assert list(done.errors) == ["web1"]
    assert "database is locked" in done.errors["web1"]


def test_networks_that_cannot_be_read_concern_their_engine(call):
    engines = {"docker": {**EMPTY, NETWORKS: BROKEN}, "podman": {**EMPTY, "/images/b%3A1/json": (200, {"Id": "2"})}}
    done, (outcome,) = call(ENTRY, {**WEB2, "engine": "podman"}, engines=engines)
    assert outcome.step.name == "web2"
    assert "database is locked" in done.errors["web1"]


def test_a_container_that_went_since_it_was_listed_is_made(call):
    done, (outcome,) = call(engines={"docker": {**EMPTY, LIST: (200, [listed("web1")])}})
    assert done.errors == {}
    assert (outcome.step.action, outcome.step.found) == ("created", None)


def test_an_sdk_that_does_not_connect_concerns_its_engine(call):
    there = {**EMPTY, LIST: (200, [listed("web3", "3")])}  # and no /version, which the SDK begins with
    _done, outcomes = call(ENTRY, engines={"docker": there}, check_mode=False, purge=True)
    assert [(o.step.name, o.step.action) for o in outcomes] == [("web1", "created"), ("web3", "removed")]
    assert all(o.error.startswith("docker at ") for o in outcomes)


def test_a_silent_sdk_is_tried_once(call, monkeypatch):
    tried = []

    class Silent:
        def __init__(self, engine, *_):
            tried.append(engine)
            raise EngineError(f"{engine}: timed out")

    monkeypatch.setattr(_container_call, "EngineSdk", Silent)
    done, outcomes = call(
        ENTRY, WEB2, {**WEB2, "name": "web4", "address": "2001:db8::204"}, engines={"docker": EMPTY}, check_mode=False
    )
    assert tried == ["docker"]
    assert {**done.errors, **{o.step.name: o.error for o in outcomes}} == dict.fromkeys(
        ["web1", "web2", "web4"], "docker: timed out"
    )


USERS = {**ENTRY, "engine": "podman", "podman_user": "app"}
OF_APP = {**EMPTY, "/version": (200, {"Version": "5.4.2"})}
# What else is read of an engine whose container is inspected.
INSPECTED = {
    "State": {"Running": True, "StartedAt": "2026-01-01T00:00:00Z"},
    "Config": {"Env": []},
    "HostConfig": {"NetworkMode": "pasta"},
    "Image": "sha256:1",
}


@pytest.fixture
def users(tmp_path, monkeypatch):
    """The users' sockets are beside those of root; says who has one."""

    def place(engine, sockets):
        return sockets.get(engine) or str(tmp_path / engine)

    monkeypatch.setattr(_container_call, "socket_of", place)
    monkeypatch.setattr(_container_call, "place_of", place)
    monkeypatch.setattr(_container_call, "owner_of", lambda _: None)
    there = []
    monkeypatch.setattr(_container_call, "users_engines", lambda: [f"podman:{name}" for name in there])
    return there


def test_a_users_engine_is_asked_for_its_version_and_no_network(call, users):
    done, (outcome,) = call(USERS, engines={"podman:app": OF_APP})
    assert done.errors == {}
    assert (outcome.step.action, outcome.step.engine) == ("created", "podman:app")
    assert done.networks["podman:app"].startswith("pasta")
    assert done.client_addresses() == {"web1": "kept"}


def test_many_users_in_one_call(call, users):
    entries = [
        {**USERS, "name": f"web{i}", "address": f"2001:db8::{i:x}", "podman_user": f"app{i}"} for i in range(1, 9)
    ]
    engines = {f"podman:app{i}": OF_APP for i in range(1, 8)}
    done, outcomes = call(*entries, engines=engines)
    assert [o.step.engine for o in outcomes] == [f"podman:app{i}" for i in range(1, 9)]
    assert [bool(o.step.unknown) for o in outcomes] == [False] * 7 + [True]
    assert done.engines()["web8"] == "podman:app8"


def test_a_user_without_an_engine_is_an_error_with_its_mend(call, users, tmp_path):
    done, outcomes = call(USERS, check_mode=False)
    assert outcomes == []
    assert done.errors["web1"].startswith(f"podman:app does not answer at {tmp_path}/podman:app: ")
    assert "The role ipv6.services.host with `podman_user: app`" in done.errors["web1"]


def test_a_service_that_another_user_has_is_moved(call, users):
    users += ["app", "web"]
    held = {**OF_APP, LIST: (200, [listed("web1")]), "/containers/1/json": (200, INSPECTED)}
    done, (outcome,) = call(USERS, engines={"podman:app": OF_APP, "podman:web": held})
    assert done.errors == {}
    assert (outcome.step.action, outcome.step.found.engine) == ("replaced", "podman:web")
    assert [str(change) for change in outcome.step.changes] == ["engine: podman:web -> podman:app"]


def test_purge_and_absence_reach_the_engines_of_users(call, users):
    users += ["app", "gone"]
    there = {**OF_APP, LIST: (200, [listed("web1"), listed("web2", "2"), listed("web3", "3")])}
    _done, outcomes = call(
        {"name": "web1", "state": "absent"}, engines={"docker": EMPTY, "podman:app": there}, purge=True, keep=["web3"]
    )
    assert [(o.step.name, o.step.action, o.step.found.engine) for o in outcomes] == [
        ("web1", "removed", "podman:app"),
        ("web2", "removed", "podman:app"),
    ]
    items = report(outcomes, {"web4": "x"}, {"web4": "podman:app"}, {})
    assert [(item["engine"], item["podman_user"]) for item in items] == [("podman", "app")] * 3


def test_a_users_engine_that_fails_concerns_its_services(call, users):
    broken = {**OF_APP, "/version": BROKEN}
    done, (outcome,) = call(
        USERS,
        {**WEB2, "engine": "podman"},
        engines={"podman:app": broken, "podman": {**EMPTY, "/images/b%3A1/json": (200, {"Id": "2"})}},
    )
    assert outcome.step.name == "web2"
    assert "database is locked" in done.errors["web1"]


def test_a_users_engine_that_is_silent_does_not_hold_up_others_for_long(call, users, monkeypatch):
    monkeypatch.setattr(_container_call, "STRANGER_TIMEOUT", 0.2)
    users += ["odd"]
    over = threading.Event()
    engines = {"docker": EMPTY, "podman:odd": {LIST: lambda _: over.wait(10)}}
    done, (outcome,) = call(ENTRY, engines=engines, purge=True)
    over.set()
    assert done.errors == {}
    assert outcome.step.action == "created"
    assert "podman:odd" not in done.listed


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("what?", id="no list"),
        pytest.param([{}], id="without an id"),
        pytest.param([{"Id": ["1"], "Names": [7], "Labels": {"ipv6.services.name": ["web1"]}}], id="odd types"),
        pytest.param([{"Id": "1", "Labels": "web1"}], id="odd labels"),
        pytest.param([None], id="no container"),
    ],
)
def test_what_a_users_engine_lists_is_no_matter_for_others(call, users, answer):
    users += ["odd"]
    engines = {"docker": EMPTY, "podman:odd": {**OF_APP, LIST: (200, answer)}}
    done, outcomes = call(ENTRY, engines=engines, purge=True)
    assert done.errors == {}
    assert outcomes[0].step.action == "created"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"State": None}, id="without a state"),
        pytest.param({"RestartCount": "often"}, id="a word for a number"),
        pytest.param({"Config": {"Env": [[]]}}, id="odd variables"),
        pytest.param({"Config": {"Labels": {"ipv6.services.options": '{"limits": 7}'}}}, id="odd options"),
    ],
)
def test_what_a_users_engine_says_of_a_container_concerns_its_service(call, users, changes):
    there = {**OF_APP, LIST: (200, [listed("web1")]), "/containers/1/json": (200, {**INSPECTED, **changes})}
    engine = {**EMPTY, "/images/b%3A1/json": (200, {"Id": "2"})}
    _done, outcomes = call(USERS, WEB2, engines={"podman:app": there, "docker": engine})
    assert [o.step.name for o in outcomes if o.step.action == "created"] == ["web2"]


def test_what_a_users_engine_lists_hides_nothing_of_roots(call, users):
    entries = {"name": "web1", "state": "absent", "engine": "podman", "podman_user": "app"}
    engines = {
        "podman:app": {**OF_APP, LIST: (200, [listed("web9")])},
        "docker": {**EMPTY, LIST: (200, [listed("web5")])},  # with the same id
    }
    _done, outcomes = call(entries, engines=engines, purge=True)
    assert ("web5", "docker") in [(o.step.name, o.step.engine) for o in outcomes]
