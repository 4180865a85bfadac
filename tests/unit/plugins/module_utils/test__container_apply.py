# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out steps on a small engine in memory, which fails where it is told to."""

from __future__ import annotations

import itertools
from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _container_apply
from ansible_collections.ipv6.services.plugins.module_utils._container_apply import (
    Applier,
    Settings,
    mask,
    not_up,
    secrets_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_body import LABEL_NAME
from ansible_collections.ipv6.services.plugins.module_utils._container_found import Listed, parse_inspection
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import Step
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

WEB1 = IPv6Address("2001:db8::201")
WANTED = Container(
    "web1", "docker", "started", WEB1, "whoami", ports=(Binding(WEB1, 80, 80, "tcp"),), secret_env={"T": "xyzzy"}
)


class Engine:
    """SDK and reader in one: containers by id, and which calls fail."""

    api_version = "1.45"

    def __init__(self, fails=(), gone=(), comes_up=True, keeps_limits=True):
        self.gone = set(gone)
        self.stays_down = set()
        self.grace = {}  # container -> seconds that its stop was given
        self.ends_after = {}  # container -> inspections after which a stop has ended it that gave no answer in time
        self.health = []  # what the next inspections say of it
        self.healthcheck = None
        self.fails, self.comes_up, self.keeps_limits = set(fails), comes_up, keeps_limits
        self.containers = {}
        self.ids = (f"new{i}" for i in itertools.count())

    def add(self, ident, name, body, running):
        self.containers[ident] = {"name": name, "body": body, "running": running}

    def _fail(self, call, ident):
        if f"{call} {ident}" in self.gone:
            raise EngineError(f"{call} {ident} on docker: no such container.", 404)
        if call in self.fails or f"{call} {ident}" in self.fails:
            raise EngineError(f"{call} {ident} on docker: refused.", 500)

    def create(self, name, body):
        self._fail("create", name)
        ident = next(self.ids)
        self.add(ident, name, body, running=False)
        return ident

    def start(self, ident):
        self._fail("start", ident)
        self.containers[ident]["running"] = ident not in self.stays_down

    def stop(self, ident, grace):
        self._fail("stop", ident)
        self.grace[ident] = grace
        if ident in self.ends_after:
            raise EngineError(f"stop {ident} on docker: timed out.")
        self.containers[ident]["running"] = False

    def rename(self, ident, name):
        self._fail("rename", ident)
        assert name not in {c["name"] for c in self.containers.values()}
        self.containers[ident]["name"] = name

    def remove(self, ident, **_):
        self._fail("remove", ident)
        del self.containers[ident]

    def update(self, ident, body):
        self._fail("update", ident)
        self.containers[ident]["body"]["HostConfig"].update(body)

    def logs(self, *_):
        return ["starting", "token xyzzy refused", ""]

    def get(self, path):
        ident = path.split("/")[2]
        container = self.containers[ident]
        if ident in self.grace and ident in self.ends_after:
            self.ends_after[ident] -= 1
            container["running"] &= self.ends_after[ident] != 0
        running = container["running"] and (self.comes_up or ident == "old")
        host = container["body"]["HostConfig"]
        return {
            "Name": f"/{container['name']}",
            "Image": "sha256:1",
            "State": {
                "Running": running,
                "ExitCode": 0 if running else 3,
                "Health": {"Status": self.health.pop(0) if self.health else "none"},
            },
            "Config": {"Env": container["body"]["Env"], "Healthcheck": self.healthcheck, "StopTimeout": 33},
            "HostConfig": host if self.keeps_limits else {**host, "Memory": 0},
            "NetworkSettings": {"Ports": host["PortBindings"] if running else {}, "Networks": {"ipv6-services": {}}},
        }

    def there(self):
        return sorted((c["name"], ident, c["running"]) for ident, c in self.containers.items())


OLD_BODY = {"Env": [], "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": str(WEB1), "HostPort": "80"}]}}}
OLD = Listed("docker", "old", "web1", "running", "whoami", {LABEL_NAME: "web1"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(_container_apply, "SETTLE", 0)


def apply(engine, *steps):
    settings = Settings({"docker": "ipv6-services"}, {}, threads=2, wait_timeout=0)
    return Applier(lambda _: engine, {"docker": engine}, settings).apply(steps)


def with_old(**options):
    engine = Engine(**options)
    engine.add("old", "web1", OLD_BODY, running=True)
    return engine


def replaced(**fields):
    return Step(
        "web1",
        "docker",
        "replaced",
        replace(WANTED, **fields),
        OLD,
        parse_inspection(with_old().get("/containers/old/json")),
    )


def test_created():
    engine = Engine()
    (outcome,) = apply(engine, Step("web1", "docker", "created", WANTED))
    assert (outcome.error, outcome.id, outcome.state.running) == (None, "new0", True)
    assert engine.there() == [("web1", "new0", True)]


def test_created_to_be_stopped():
    engine = Engine()
    apply(engine, Step("web1", "docker", "created", replace(WANTED, state="stopped")))
    assert engine.there() == [("web1", "new0", False)]


@pytest.mark.parametrize("options", [{"comes_up": False}, {"fails": ["start"]}])
def test_nothing_is_left_of_a_new_one_that_does_not_come_up(options):
    engine = Engine(**options)
    (outcome,) = apply(engine, Step("web1", "docker", "created", WANTED))
    assert "token (hidden) refused" in outcome.error
    assert "xyzzy" not in outcome.error
    assert engine.there() == []


@pytest.mark.parametrize(
    ("retries", "error"),
    [
        pytest.param(6, None, id="within its times"),
        pytest.param(1, "web1 on docker was not healthy after 0.2 s.", id="after its times"),
    ],
)
def test_a_health_check_is_waited_for_as_long_as_its_own_times_are(monkeypatch, retries, error):
    monkeypatch.setattr(_container_apply, "HEALTH_MARGIN", 0)
    engine = Engine()
    engine.health = ["starting", "starting", "healthy"]  # half a second in all
    engine.healthcheck = {"Test": ["CMD", "/check"], "Interval": 10**8, "Timeout": 10**8, "Retries": retries}
    (outcome,) = apply(engine, Step("web1", "docker", "created", WANTED))
    assert outcome.error is None if error is None else outcome.error.startswith(error)


def test_replaced():
    engine = with_old()
    (outcome,) = apply(engine, replaced())
    assert (outcome.error, outcome.id) == (None, "new0")
    assert engine.there() == [("web1", "new0", True)]


# Wherever a replacement fails, the old container runs, under its name, and alone.
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"fails": ["create"]}, id="the new one can't be made"),
        pytest.param({"fails": ["stop old"]}, id="the old one can't be stopped"),
        pytest.param({"fails": ["rename old"]}, id="the old one can't be renamed"),
        pytest.param({"fails": ["rename new0"]}, id="the new one can't be renamed"),
        pytest.param({"fails": ["start new0"]}, id="the new one can't be started"),
        pytest.param({"comes_up": False}, id="the new one does not come up"),
    ],
)
@pytest.mark.parametrize("stop_early", [False, True])
def test_the_old_one_comes_back(options, stop_early):
    engine = with_old(**options)
    (outcome,) = apply(engine, replace(replaced(), stop_early=stop_early))
    assert outcome.error
    assert engine.there() == [("web1", "old", True)]


@pytest.mark.parametrize("stop_early", [False, True])
def test_an_old_one_whose_stop_takes_too_long_is_started_when_it_has_ended(stop_early):
    engine = with_old()
    engine.ends_after = {"old": 3}
    (outcome,) = apply(engine, replace(replaced(), stop_early=stop_early))
    assert "timed out" in outcome.error
    assert "runs again" in outcome.error
    for _dummy in range(9):  # as time goes on
        engine.get("/containers/old/json")
    assert engine.there() == [("web1", "old", True)]


def test_an_old_one_that_does_not_run_again_is_named():
    engine = with_old(fails=["start new0"])
    engine.stays_down = {"old"}
    (outcome,) = apply(engine, replaced())
    assert "could not be brought back: web1 on docker stopped again" in outcome.error


@pytest.mark.parametrize("action", ["stopped", "removed", "replaced"])
def test_a_stop_has_the_time_that_the_container_may_take(action):
    engine = with_old()
    apply(engine, replace(replaced(), action=action))
    assert engine.grace == {"old": 33}


def test_what_could_not_be_brought_back_is_said():
    (outcome,) = apply(with_old(fails=["start"]), replaced())
    assert "could not be brought back: start old" in outcome.error


def test_a_limit_that_is_not_kept_is_refused_before_the_old_one_is_stopped():
    engine = with_old(keeps_limits=False)
    (outcome,) = apply(engine, replaced(limits={"memory": 64}))
    assert outcome.error.startswith("memory of web1: docker can't do it on this host")
    assert engine.there() == [("web1", "old", True)]


def test_updated_in_place():
    engine = with_old()
    step = replace(replaced(restart_policy=("always", 0)), action="updated", update=("restart_policy",))
    (outcome,) = apply(engine, step)
    assert (outcome.error, outcome.step.action, outcome.id) == (None, "updated", "old")


def test_replaced_where_the_engine_cannot_update():
    engine = with_old(fails=["update"])
    step = replace(replaced(restart_policy=("always", 0)), action="updated", update=("restart_policy",))
    (outcome,) = apply(engine, step)
    assert (outcome.error, outcome.step.action, outcome.id) == (None, "replaced", "new0")
    assert engine.there() == [("web1", "new0", True)]


@pytest.mark.parametrize(
    ("engines", "busy", "error"),
    [
        pytest.param(["podman:app"], 2, None, id="pasta of the old one ends soon"),
        pytest.param(["docker", "podman"], 2, None, id="rootful Podman lets go"),
        pytest.param(["docker"], 1, "Address already in use", id="on Docker it is somebody else's"),
        pytest.param(["podman:app"], 10**6, "Address already in use", id="and so it is after a while"),
    ],
)
def test_patience_for_a_port(monkeypatch, engines, busy, error):
    monkeypatch.setattr(_container_apply, "_PATIENCE", 0.3)
    left = [busy]

    class Busy(Engine):
        def start(self, ident):
            left[0] -= 1
            if left[0] >= 0:
                raise EngineError("Failed to bind port 80 (Address already in use) for option '-t'", 500)
            super().start(ident)

        def get(self, path):
            return [] if path in ("/images/json", "/containers/json?all=1") else super().get(path)

    engine, name = Busy(), engines[-1]
    settings = Settings(dict.fromkeys(engines, "ipv6-services"), {}, threads=2, wait_timeout=0)
    applier = Applier(lambda _: engine, dict.fromkeys(engines, engine), settings)
    (outcome,) = applier.apply([Step("web1", name, "created", replace(WANTED, engine=name))])
    assert error in outcome.error if error else outcome.error is None


def test_one_that_fails_does_not_stop_the_others():
    engine = Engine(fails=["create web1"])
    first, second = apply(
        engine,
        Step("web1", "docker", "created", WANTED),
        Step("web2", "docker", "created", replace(WANTED, name="web2")),
    )
    assert first.error
    assert second.error is None


def test_removed():
    engine = with_old()
    apply(engine, Step("web1", "docker", "removed", found=OLD))
    assert engine.there() == []


def test_removed_by_somebody_else_meanwhile():
    engine = with_old(gone=["stop old"])
    (outcome,) = apply(engine, Step("web1", "docker", "removed", found=OLD))
    assert outcome.error is None


def test_secrets_are_masked_longest_first():
    wanted = replace(WANTED, secret_env={"A": "abc", "B": "abcdef", "C": ""})
    assert (
        mask("x abcdef abc 1 file-secret", secrets_of(wanted, {"D": "file-secret", "E": "1"}))
        == "x (hidden) (hidden) 1 (hidden)"
    )


UP = parse_inspection(with_old().get("/containers/old/json"))


@pytest.mark.parametrize(
    ("state", "restarts", "text"),
    [
        (UP, None, None),
        (replace(UP, restarts=2), 2, None),
        (replace(UP, restarts=3), 2, "is in a restart loop"),
        (replace(UP, restarting=True), None, "is in a restart loop"),
        (replace(UP, running=False, exit_code=3, error="no program"), None, "stopped again, exit code 3: no program"),
        (replace(UP, health="unhealthy"), None, "is unhealthy"),
        (replace(UP, effective=frozenset()), None, "runs without its ports"),
        (replace(UP, effective=frozenset()), 0, None),  # it is replaced then
    ],
)
def test_what_counts_as_up(state, restarts, text):
    assert not_up(WANTED, state, restarts) == text or text in not_up(WANTED, state, restarts)


ELSEWHERE = Listed("podman:odd", "old", "web1", "running", "whoami", {LABEL_NAME: "web1"})


def apply_on_both(own, users, *steps):
    engines = {"docker": own, "podman:odd": users}
    settings = Settings(dict.fromkeys(engines, "ipv6-services"), {}, threads=2, wait_timeout=0)
    return Applier(engines.__getitem__, engines, settings).apply(steps)


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        pytest.param({"stop old"}, None, id="it does not stop, and can be removed"),
        pytest.param({"stop old", "remove old"}, "It is on docker, but the container", id="nor can it be removed"),
    ],
)
def test_a_users_engine_keeps_no_service_from_another(fails, error):
    own, users = Engine(), with_old(fails=fails)
    (outcome,) = apply_on_both(own, users, Step("web1", "docker", "replaced", WANTED, found=ELSEWHERE))
    assert own.there() == [("web1", "new0", True)]
    assert error in outcome.error if error else outcome.error is None


def test_a_leftover_on_a_users_engine_is_told_at_the_end():
    own, users = Engine(), with_old(fails={"remove old"})
    (outcome,) = apply_on_both(own, users, Step("web1", "docker", "created", WANTED, leftovers=(ELSEWHERE,)))
    assert own.there() == [("web1", "new0", True)]
    assert outcome.error.startswith("Another container of it could not be removed: remove old")


def test_roots_own_other_engine_is_to_let_go():
    own, roots = Engine(), with_old(fails={"stop old"})
    found = replace(ELSEWHERE, engine="podman")
    engines = {"docker": own, "podman": roots}
    settings = Settings(dict.fromkeys(engines, "ipv6-services"), {}, threads=2, wait_timeout=0)
    step = Step("web1", "docker", "replaced", WANTED, found=found)
    (outcome,) = Applier(engines.__getitem__, engines, settings).apply([step])
    assert own.there() == []
    assert "stop old" in outcome.error
