# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._container_body import LABEL_ADDRESS, LABEL_NAME, options_of
from ansible_collections.ipv6.services.plugins.module_utils._container_found import Listed, State
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import (
    NEW_SUFFIX,
    OLD_SUFFIX,
    Group,
    Host,
    Step,
    foreign,
    group_of,
    order,
    owner_text,
    plan_purge,
    plan_service,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

WEB1, WEB2 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
HTTP = Binding(WEB1, 80, 80, "tcp")
NOW = 1_000_000.0
HOST = Host(
    now=NOW,
    networks={"docker": "ipv6-services", "podman": "ipv6-services"},
    images={("docker", "whoami"): "sha256:1", ("podman", "whoami"): "sha256:1"},
)
WANTED = Container("web1", "docker", "started", WEB1, "whoami", ports=(HTTP,), env={"A": "1"})
LISTED = Listed("docker", "id1", "web1", "running", "whoami", {LABEL_NAME: "web1", LABEL_ADDRESS: str(WEB1)})
STATE = State(
    image_id="sha256:1",
    running=True,
    paused=False,
    restarting=False,
    error="",
    exit_code=0,
    restarts=0,
    started_at=NOW - 3600,
    health="",
    env=frozenset({"A=1", "PATH=/bin"}),
    configured=frozenset({HTTP}),
    effective=frozenset({HTTP}),
    networks=frozenset({"ipv6-services"}),
    restart_policy=("unless-stopped", 0),
    limits={"memory": 0, "pids_limit": None, "cpus": 0},
    options=options_of(WANTED, {}),
)
STOPPED = {"running": False, "effective": frozenset()}


def step_of(wanted=WANTED, listed=LISTED, state=STATE, host=HOST):
    group = Group(listed)
    return plan_service(wanted, group, state, host)


# What is wanted, what is there, and what has to be done for which reason.
CASES = [
    pytest.param({}, {}, "none", [], id="second run changes nothing"),
    pytest.param({"env": {"A": "2"}}, {}, "replaced", ["env A"], id="another value of a variable"),
    pytest.param({"env": {"A": "1", "B": "2"}}, {}, "replaced", ["env", "env B"], id="one more variable"),
    pytest.param({"env": {}}, {}, "replaced", ["env"], id="one variable less"),
    pytest.param(
        {"env": {}, "secret_env": {"A": "1"}}, {}, "replaced", ["env", "secret_env"], id="a variable becomes secret"
    ),
    pytest.param({"address": WEB2}, {}, "replaced", ["address"], id="another address"),
    pytest.param({"ports": ()}, {}, "replaced", ["ports"], id="no ports any more"),
    pytest.param({"fixed": {"user": "1"}}, {}, "replaced", ["user"], id="another option"),
    pytest.param({"image": "other"}, {}, "replaced", ["image"], id="another image"),
    pytest.param({}, {"image_id": "sha256:0"}, "replaced", ["image id"], id="the tag leads to another image"),
    pytest.param({}, {"networks": frozenset({"bridge"})}, "replaced", ["networks"], id="another network"),
    pytest.param({"networks": ({"name": "a"},)}, {}, "replaced", ["networks", "networks"], id="networks of its own"),
    pytest.param({}, {"options": None}, "replaced", ["options"], id="a label that can't be read"),
    pytest.param({}, {"configured": None}, "replaced", ["ports"], id="published on the wildcard"),
    pytest.param({}, {"effective": frozenset()}, "replaced", ["effective ports"], id="runs without its ports"),
    pytest.param({}, {"effective": None}, "replaced", ["effective ports"], id="listens on the wildcard"),
    pytest.param({}, {"restarting": True, "restarts": 9}, "replaced", ["state"], id="restart loop on Docker"),
    pytest.param({}, {"restarts": 9, "started_at": NOW - 1}, "replaced", ["state"], id="restart loop on Podman"),
    pytest.param({}, {"restarts": 9}, "none", [], id="restarted, but an hour ago"),
    pytest.param({}, {"started_at": NOW - 1}, "none", [], id="started a moment ago"),
    pytest.param({}, {"health": "unhealthy"}, "replaced", ["health"], id="unhealthy"),
    pytest.param({}, {"health": "starting"}, "none", [], id="still starting"),
    pytest.param({}, STOPPED, "started", ["state"], id="stopped"),
    pytest.param({}, {**STOPPED, "error": "no address"}, "started", ["state"], id="failed to start at boot"),
    pytest.param({}, {"paused": True}, "started", ["state"], id="paused"),
    pytest.param({"limits": {"memory": 64}}, {}, "updated", ["memory"], id="a limit more"),
    pytest.param({"limits": {"pids_limit": -1}}, {}, "none", [], id="no limit wanted, none there"),
    pytest.param({"restart_policy": ("always", 0)}, {}, "updated", ["restart_policy"], id="restart policy"),
    pytest.param({"restart_policy": ("always", 0)}, STOPPED, "started", ["restart_policy", "state"], id="and started"),
    pytest.param({"state": "stopped"}, {}, "stopped", ["state"], id="to be stopped"),
    pytest.param({"state": "stopped"}, STOPPED, "none", [], id="stopped already"),
    pytest.param({"state": "stopped"}, {**STOPPED, "error": "x"}, "none", [], id="stopped, whatever the reason"),
    pytest.param(
        {"state": "stopped", "fixed": {"user": "1"}}, STOPPED, "replaced", ["user"], id="stopped, another option"
    ),
    pytest.param({"state": "absent"}, {}, "removed", [], id="to be removed"),
    pytest.param({"engine": "podman"}, {}, "replaced", ["engine"], id="moves to the other engine"),
]


@pytest.mark.parametrize(("wanted", "held", "action", "what"), CASES)
def test_plan(wanted, held, action, what):
    step = step_of(replace(WANTED, **wanted), LISTED, replace(STATE, **held))
    assert step.action == action
    assert [change.what for change in step.changes] == what


def test_a_limit_that_is_taken_away_needs_a_new_container():
    state = replace(STATE, options=options_of(replace(WANTED, limits={"memory": 64}), {}), limits={"memory": 64})
    assert [str(c) for c in step_of(state=state).changes] == ["memory: limited -> no limit"]


def test_a_limit_that_is_changed_does_not():
    limited = replace(WANTED, limits={"memory": 128})
    state = replace(STATE, options=options_of(limited, {}), limits={"memory": 64})
    step = step_of(limited, state=state)
    assert (step.action, step.update) == ("updated", ("memory",))


def test_podman_gets_always_for_unless_stopped():
    listed, wanted = replace(LISTED, engine="podman"), replace(WANTED, engine="podman")
    assert step_of(wanted, listed).action == "updated"
    assert step_of(wanted, listed, replace(STATE, restart_policy=("always", 0))).action == "none"


ROOTLESS = {"engine": "podman:app"}
UP, DOWN = {"networks": frozenset({"pasta"})}, {"networks": frozenset({"pasta"}), **STOPPED}
IPV6 = "pasta:--ipv6-only"


@pytest.mark.parametrize(
    ("default", "wanted", "held", "action"),
    [
        pytest.param("pasta", {}, {**UP, "mode": "pasta"}, "none", id="second run changes nothing"),
        pytest.param(IPV6, {}, {**UP, "mode": IPV6}, "none", id="nor does it without IPv4"),
        pytest.param("pasta", {}, {**UP, "mode": IPV6}, "replaced", id="the host has got IPv4"),
        pytest.param(IPV6, {}, {**UP, "mode": "pasta"}, "none", id="IPv4 may come back"),
        pytest.param(IPV6, {}, {**DOWN, "mode": "pasta"}, "replaced", id="it can't start without IPv4"),
        pytest.param("pasta", {}, {**DOWN, "mode": "pasta"}, "started", id="stopped"),
        pytest.param("pasta", {}, {**UP, "networks": {"slirp4netns"}}, "replaced", id="Podman has been upgraded"),
        pytest.param("pasta", {}, {**UP, "networks": {"own"}}, "replaced", id="out of a network"),
        pytest.param("pasta", {"networks": ({"name": "own"},)}, {**UP, "mode": "pasta"}, "replaced", id="into one"),
        pytest.param(IPV6, {"networks": ({"name": "own"},)}, {"networks": {"own"}}, "none", id="in a network"),
    ],
)
def test_networks_of_rootless_podman(default, wanted, held, action):
    wanted = replace(WANTED, **ROOTLESS, **wanted)
    state = replace(STATE, **held, options=options_of(wanted, {}), restart_policy=("always", 0))
    host = replace(HOST, networks={"podman:app": default}, images={("podman:app", "whoami"): "sha256:1"})
    assert step_of(wanted, replace(LISTED, **ROOTLESS), state, host).action == action


@pytest.mark.parametrize(
    ("old", "new"),
    [("podman", "podman:app"), ("podman:app", "podman"), ("podman:app", "podman:web"), ("podman:app", "docker")],
)
def test_another_user_is_another_engine(old, new):
    host = replace(HOST, networks={new: "pasta"})
    step = step_of(replace(WANTED, engine=new), replace(LISTED, engine=old), STATE, host)
    assert (step.action, [str(c) for c in step.changes]) == ("replaced", [f"engine: {old} -> {new}"])


def test_no_value_of_a_variable_is_in_a_change_or_label():
    wanted = replace(WANTED, env={"A": "plugh"}, secret_env={"B": "xyzzy"}, env_file="/f")
    host = replace(HOST, file_env={"/f": {"C": "sesame"}})
    text = str(step_of(wanted, host=host).changes) + str(options_of(wanted, host.file_env["/f"]))
    assert "C" in text
    assert not any(secret in text for secret in ("plugh", "xyzzy", "sesame"))


def test_what_an_env_file_says_is_compared_and_comes_after_env():
    wanted = replace(WANTED, env_file="/f")
    state = replace(STATE, options=options_of(wanted, {"A": "0", "C": "3"}), env=frozenset({"A=1", "C=3"}))
    assert step_of(wanted, state=state, host=replace(HOST, file_env={"/f": {"A": "0", "C": "3"}})).action == "none"
    assert step_of(wanted, state=state, host=replace(HOST, file_env={"/f": {"A": "0", "C": "4"}})).action == "replaced"


@pytest.mark.parametrize(
    ("pull", "images", "expected"),
    [
        ("missing", HOST.images, 0),
        ("always", HOST.images, 1),
        ("missing", {}, 1),
    ],
)
def test_what_check_mode_cannot_know(pull, images, expected):
    step = step_of(replace(WANTED, pull=pull), host=replace(HOST, images=images))
    assert (len(step.unknown), step.action) == (expected, "none")


def named(name, state="running", service="web1"):
    return replace(LISTED, id=name, name=name, state=state, labels={LABEL_NAME: service})


NEW, OLD = "web1" + NEW_SUFFIX, "web1" + OLD_SUFFIX
# The containers there are, which counts, which are removed, and whether it gets its name back.
GROUPS = [
    pytest.param([], None, [], False, id="nothing"),
    pytest.param([named("web1")], "web1", [], False, id="one"),
    pytest.param([named("web1"), named(NEW, "created")], "web1", [NEW], False, id="before the old one was stopped"),
    pytest.param([named("web1", "exited"), named(NEW, "created")], "web1", [NEW], False, id="after it was stopped"),
    pytest.param([named(OLD, "exited"), named(NEW, "created")], OLD, [NEW], True, id="after it was renamed"),
    pytest.param(
        [named("web1", "created"), named(OLD, "exited")], OLD, ["web1"], True, id="before the new one was started"
    ),
    pytest.param(
        [named("web1", "restarting"), named(OLD, "exited")], OLD, ["web1"], True, id="the new one does not come up"
    ),
    pytest.param([named("web1"), named(OLD, "exited")], "web1", [OLD], False, id="the new one is up"),
    pytest.param([named(NEW, "created")], None, [NEW], False, id="the new one alone"),
    pytest.param([named("web1", service="web2")], None, [], False, id="another service's"),
]


@pytest.mark.parametrize(("listed", "current", "leftovers", "rename_back"), GROUPS)
def test_interrupted_runs(listed, current, leftovers, rename_back):
    group = group_of("web1", listed)
    assert (group.current and group.current.name) == current
    assert [c.name for c in group.leftovers] == leftovers
    assert group.rename_back == rename_back


def test_leftovers_alone_are_a_change():
    step = plan_service(WANTED, Group(LISTED, (named(NEW),)), STATE, HOST)
    assert step.action == "none"
    assert step.changed


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ({}, "was not made by this collection"),
        ({"com.docker.compose.project": "shop"}, "belongs to the compose project shop"),
        ({"io.podman.compose.project": "shop"}, "belongs to the compose project shop"),
        ({"PODMAN_SYSTEMD_UNIT": "web1.service"}, "belongs to the systemd unit web1.service"),
        ({LABEL_NAME: "web9"}, "belongs to the service web9, and was renamed"),
    ],
)
def test_foreign_containers_are_named(labels, text):
    found = foreign("web1", [replace(LISTED, labels=labels)])
    assert text in owner_text(found)
    assert "(image whoami, running)" in owner_text(found)


@pytest.mark.parametrize(
    ("engine", "text"), [("docker", "with `docker rm web1`."), ("podman:app", "with `podman rm web1` as app.")]
)
def test_a_foreign_container_can_be_removed_by_hand(engine, text):
    assert owner_text(replace(LISTED, engine=engine, labels={})).endswith(text)


def test_purge_takes_what_is_ours_and_not_listed():
    listed = [
        named("web1"),
        named("web2", service="web2"),
        named("web3", service="web3"),
        named("web3" + OLD_SUFFIX, service="web3"),
        replace(LISTED, name="theirs", labels={}),
    ]
    steps = plan_purge(["web1"], listed)
    assert [(s.name, s.action, len(s.leftovers)) for s in steps] == [("web2", "removed", 0), ("web3", "removed", 1)]


def test_who_holds_a_port_that_another_gets_stops_first():
    one = Step(
        "web1",
        "docker",
        "replaced",
        replace(WANTED, address=WEB2, ports=(Binding(WEB2, 80, 80, "tcp"),)),
        LISTED,
        STATE,
    )
    two = Step("web2", "docker", "created", replace(WANTED, name="web2"))
    assert [s.stop_early for s in order([one, two])] == [True, False]
    assert [s.stop_early for s in order([one])] == [False]
