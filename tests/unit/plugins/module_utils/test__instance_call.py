# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole calls of the module on a small engine in memory, which fails where it is told to."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import (
    _instance_call,
    _instance_requests,
    _instance_state,
    _instance_up,
)
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import Link
from ansible_collections.ipv6.services.plugins.module_utils._instance_call import Call, Request
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Held, taken_addresses
from ansible_collections.ipv6.services.plugins.module_utils._instance_report import changed, diff, report
from ansible_collections.ipv6.services.plugins.module_utils._instance_whose import spare_name

from .incus_engine import FakeEngine

SERVER = "https://images.example.com"
WEB1 = {
    "name": "web1",
    "address": "2001:db8::201",
    "image": "whoami",
    "image_server": SERVER,
    "ports": [80],
    "secret_env": {"T": "xyzzy"},
}
OWN = {"name": "web1", "addressing": "own", "address": "auto", "image": "whoami", "image_server": SERVER}
NEW, OLD = spare_name("web1", "new"), spare_name("web1", "old")


class Host:
    """A host whose kernel has whatever the engine was asked to publish."""

    def __init__(self, engine):
        self._engine = engine
        self.announced = []
        self.has = []  # service addresses

    def announce(self, link, address, mac):
        self.announced.append((link, str(address), mac))

    def link(self, name, _nictype):
        return Link(name or "eth0")

    def addresses_in(self, _pid):
        return None

    def addresses(self):
        return frozenset(Held(IPv6Address(a), usable=False, duplicate=False) for a in self.has)

    def listeners(self):
        return set()

    def chains(self, _table):
        return frozenset(
            f"prert.{i['name']}.{d}"
            for i in self._engine.instances.values()
            if i["status"] == "Running"
            for d in i["devices"]
        )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(_instance_state, "_PAUSE", 0)
    monkeypatch.setattr(_instance_requests, "_PAUSE", 0)
    monkeypatch.setattr(_instance_up, "SETTLE", 0)
    monkeypatch.setattr(_instance_up, "SETTLE_STATIC", 0)
    monkeypatch.setattr(_instance_up, "_INSIDE_PATIENCE", 0.3)


def run(engine, *entries, check_mode=False, host=None, **options):
    request = Request(
        entries=entries,
        engine="incus",
        sockets={"incus": "/dev/null", "lxd": "/none"},
        network=None,
        interface=None,
        threads=4,
        wait_timeout=0.3,
        check_mode=check_mode,
        **{"purge": False, **options},
    )
    call = Call(request, host or Host(engine), lambda _path: engine)
    call.parse()
    call.read()
    outcomes = call.apply(call.plan())
    items = report(outcomes, call.errors, call.engines())
    assert "xyzzy" not in str(items) + str(diff(outcomes))
    return items, changed(outcomes)


def only(engine, *entries, **options):
    items, _changed = run(engine, *entries, **options)
    assert len(items) == 1
    return items[0]


def made(*entries, **options):
    engine = FakeEngine(**options)
    items, _changed = run(engine, *entries)
    assert not [i for i in items if i["action"] == "failed"]
    engine.log.clear()
    return engine


def names(engine):
    return sorted(name for _project, name in engine.instances)


def test_created_and_then_nothing():
    engine = FakeEngine()
    item = only(engine, WEB1)
    assert (item["action"], item["nat"], item["address"]) == ("created", True, "2001:db8::201")
    assert engine.instances["default", "web1"]["status"] == "Running"
    assert engine.instances["default", "web1"]["source"] == {
        "type": "image",
        "alias": "whoami",
        "mode": "pull",
        "server": SERVER,
        "protocol": "simplestreams",
    }
    engine.log.clear()
    assert only(engine, WEB1)["action"] == "none"
    assert engine.log == []


def test_check_mode_changes_nothing_and_tells_the_same():
    engine = FakeEngine()
    told = only(engine, WEB1, check_mode=True)
    assert engine.log == [] and told["action"] == "created"
    assert told == only(engine, WEB1)


def test_in_place_without_a_restart():
    engine = made(WEB1)
    assert only(engine, {**WEB1, "memory": "64M"})["action"] == "updated"
    assert engine.log == ["PUT instances/web1"]
    assert only(engine, WEB1)["why"][0] == "limits.memory: 67108864 -> None"
    assert "limits.memory" not in engine.instances["default", "web1"]["config"]


def test_in_place_with_a_restart():
    engine = made(WEB1)
    assert only(engine, {**WEB1, "secret_env": {"T": "xyzzy2"}})["action"] == "updated"
    assert engine.log == [
        "PUT instances/web1",
        "PUT instances/web1/state stop",
        "PUT instances/web1/state start",
        "PUT instances/web1",
    ]
    assert "user.ipv6.services.restart" not in engine.instances["default", "web1"]["config"]


def test_what_others_set_stays():
    engine = made(WEB1)
    engine.instances["default", "web1"]["config"]["user.theirs"] = "1"
    engine.instances["default", "web1"]["devices"]["theirs"] = {"type": "disk"}
    assert only(engine, WEB1)["action"] == "none"
    only(engine, {**WEB1, "config": {"user.mine": "1"}})
    only(engine, WEB1)
    config = engine.instances["default", "web1"]["config"]
    assert config["user.theirs"] == "1" and "user.mine" not in config
    assert "theirs" in engine.instances["default", "web1"]["devices"]


def test_a_change_of_somebody_else_meanwhile_is_kept():
    engine = made(WEB1)

    def meanwhile(engine):
        engine.instances["default", "web1"]["config"]["user.theirs"] = "1"
        engine.instances["default", "web1"]["tag"] = "other"

    engine.fails = {"PUT /1.0/instances/web1": [meanwhile]}
    assert only(engine, {**WEB1, "memory": "64M"})["action"] == "updated"
    config = engine.instances["default", "web1"]["config"]
    assert config["user.theirs"] == "1" and config["limits.memory"] == str(64 * 2**20)


def test_options_that_it_does_not_start_with_are_taken_back():
    engine = made(WEB1)
    before = dict(engine.instances["default", "web1"]["config"])
    engine.fails = {"PUT /1.0/instances/web1/state.* when start": ["no such key"]}
    item = only(engine, {**WEB1, "config": {"raw.lxc": "xyzzyxyzzy"}})
    assert item["error"].endswith(
        "no such key. LXC said: start - start.c:1 - no init. It has its earlier options again, and runs."
    )
    assert engine.instances["default", "web1"]["config"] == before
    assert engine.instances["default", "web1"]["status"] == "Running"


def test_a_change_that_is_refused_does_not_touch_it():
    engine = made(WEB1)
    engine.fails = {"PUT /1.0/instances/web1\\?": ["Invalid config: no such limit|400"]}
    item = only(engine, {**WEB1, "env": {"A": "1"}, "config": {"limits.cpu": "plugh"}})
    assert item["error"].endswith("no such limit. It was left as it was.")
    assert engine.log == ["PUT instances/web1"]


def test_a_change_of_which_nobody_knows_is_taken_back():
    engine = made(WEB1)
    engine.fails = {"PUT /1.0/instances/web1\\?": ["timed out|0"]}
    assert "It has its earlier options again" in only(engine, {**WEB1, "memory": "64M"})["error"]


def test_what_others_set_meanwhile_stays_when_options_are_taken_back():
    engine = made({**WEB1, "memory": "64M"})
    before = dict(engine.instances["default", "web1"]["config"])

    def meanwhile(engine):
        engine.instances["default", "web1"]["config"]["user.theirs"] = "1"
        engine.instances["default", "web1"]["devices"]["theirs"] = {"type": "disk"}

    engine.fails = {
        "PUT /1.0/instances/web1/state.* when stop": [meanwhile],
        "PUT /1.0/instances/web1/state.* when start": ["no such key"],
    }
    item = only(engine, {**WEB1, "env": {"A": "1"}, "config": {"user.mine": "1"}})
    assert "It has its earlier options again, and runs." in item["error"]
    assert engine.instances["default", "web1"]["config"] == {**before, "user.theirs": "1"}
    assert "theirs" in engine.instances["default", "web1"]["devices"]


def test_a_new_image_takes_a_new_instance():
    engine = made(WEB1)
    item = only(engine, {**WEB1, "image": "whoami2"})
    assert item["action"] == "replaced"
    assert names(engine) == ["web1"]
    assert engine.instances["default", "web1"]["source"]["alias"] == "whoami2"
    assert engine.log[:3] == ["POST instances", "PUT instances/web1/state stop", "POST instances/web1"]


REPLACING = [
    pytest.param("POST /1.0/instances\\?", "is there", id="the image does not come"),
    pytest.param("PUT /1.0/instances/web1/state.* when start", "runs again", id="the new one does not start"),
    pytest.param("PUT /1.0/instances/web1/state.* when stop", "", id="the old one has to be forced"),
    pytest.param(f"POST /1.0/instances/web1.* when {OLD}", "runs again", id="the old one can't be renamed"),
    pytest.param(f"POST /1.0/instances/{NEW}", "runs again", id="the new one can't be renamed"),
]


@pytest.mark.parametrize("fails, text", REPLACING)
def test_the_old_one_comes_back(fails, text):
    engine = made(WEB1)
    engine.fails = {fails: ["refused"]}
    item = only(engine, {**WEB1, "image": "whoami2"})
    if text:
        assert item["action"] == "failed"
        assert text == "is there" or f"The instance that was there before {text}." in item["error"]
    assert engine.instances["default", "web1"]["status"] == "Running"
    assert engine.instances["default", "web1"]["source"]["alias"] == ("whoami" if text else "whoami2")
    assert names(engine) == ["web1"]


def test_the_old_one_comes_back_from_a_start_that_goes_on():
    engine = made(WEB1)
    busy = 'Failed to create instance delete operation: Instance is busy running a "start" operation'
    engine.fails = {
        "PUT /1.0/instances/web1/state.* when start": ["context deadline exceeded"],
        "DELETE /1.0/instances/web1": [busy] * 7,
    }
    assert "runs again" in only(engine, {**WEB1, "image": "whoami2"})["error"]
    assert names(engine) == ["web1"]


def test_two_of_one_image_server_do_not_stand_in_each_others_way():
    engine = FakeEngine()
    once = 'Failed to connect to simple streams server "https://images.example.com": mkdir /var/cache/incus/51b0: file exists'
    engine.fails = {"POST /1.0/instances": [once]}
    assert only(engine, WEB1)["action"] == "created"


def test_one_that_ends_at_once_is_said_with_its_last_lines():
    engine = made(WEB1)
    engine.stays_down = {"broken"}
    item = only(engine, {**WEB1, "image": "broken"})
    assert "web1 on incus stopped again. Its last lines: listening | ending: no disk." in item["error"]
    assert "runs again" in item["error"]


@pytest.mark.parametrize(
    "there, running",
    [
        pytest.param([("web1", "Running"), (NEW, "Stopped")], "web1", id="made, and not used"),
        pytest.param([(OLD, "Stopped"), (NEW, "Stopped")], OLD, id="between the two names"),
        pytest.param([(OLD, "Stopped"), ("web1", "Stopped")], OLD, id="renamed, and not started"),
        pytest.param([(OLD, "Stopped"), ("web1", "Running")], "web1", id="started, and the old one not removed"),
    ],
)
def test_a_run_that_was_interrupted_is_finished(there, running):
    engine = made(WEB1)
    one = engine.instances.pop(("default", "web1"))
    for name, status in there:
        engine.add(name, **{k: v for k, v in one.items() if k not in ("name", "status", "project")}, status=status)
        engine.instances["default", name]["description"] = "kept" if name == running else ""
    item = only(engine, WEB1)
    assert item["action"] in ("none", "started") and "an interrupted run left instances" in item["why"][-1]
    assert names(engine) == ["web1"]
    assert engine.instances["default", "web1"]["status"] == "Running"
    assert engine.instances["default", "web1"]["description"] == "kept"
    assert run(engine, WEB1)[1] is False


# nat

REFUSED = 'Failed to start device "ipv6-services-tcp-80": no nft'


@pytest.mark.parametrize(
    "before, fails",
    [
        pytest.param([], "PUT /1.0/instances/web1/state.* when start", id="at the start of a new one"),
        pytest.param([{**WEB1, "nat": False}], "PUT /1.0/instances/web1\\? when '[::]:80'", id="of one that runs"),
    ],
)
def test_without_nat_where_the_host_refuses_it(before, fails):
    engine = made(*before)
    fails = fails.replace("'[::]:80'", "tcp:[::]:80")
    engine.fails = {fails: [REFUSED]}
    item = only(engine, WEB1)
    assert item["action"] in ("created", "updated") and item["nat"] is False
    assert item["why"][-1] == f"published without nat, which hides the client's address: {REFUSED}"
    assert engine.instances["default", "web1"]["devices"]["ipv6-services-tcp-80"]["connect"] == "tcp:127.0.0.1:80"


def test_nat_that_was_asked_for_is_not_given_up():
    engine = FakeEngine({"PUT /1.0/instances/web1/state.* when start": [REFUSED]})
    item = only(engine, {**WEB1, "nat": True})
    assert item["action"] == "failed" and REFUSED in item["error"]
    assert names(engine) == []


def test_without_nat_where_the_instance_does_not_take_its_address():
    engine = FakeEngine()
    engine.addresses = {"web1": []}
    item = only(engine, WEB1)
    assert item["nat"] is False and "did not keep its address" in item["why"][-1]


# Addresses of their own


def test_own_waits_for_the_address_of_the_router():
    engine = FakeEngine()
    engine.addresses = {"web1": ["fd00::5", "2001:db8::5"]}
    item = only(engine, OWN)
    assert (item["action"], item["address"], item["addresses"]) == (
        "created",
        "2001:db8::5",
        ["fd00::5", "2001:db8::5"],
    )


@pytest.mark.parametrize("address", ["auto", "2001:db8::5"])
def test_own_is_announced_to_the_neighbours_when_it_starts(address):
    engine = FakeEngine()
    engine.addresses = {"web1": ["2001:db8::5"]}
    host, entry = Host(engine), {**OWN, "address": address}
    only(engine, entry, host=host)
    assert host.announced == [("eth0", "2001:db8::5", "00:16:3e:00:00:01")]
    only(engine, entry, host=host)
    only(engine, {**entry, "state": "stopped"}, host=host)
    assert len(host.announced) == 1
    only(engine, entry, host=host)
    assert len(host.announced) == 2


def test_own_without_a_router_is_an_error():
    item = only(FakeEngine(), OWN)
    assert "got no address from a router's advertisement" in item["error"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_own_that_waits_for_the_router_is_not_started_again(check_mode, monkeypatch):
    engine = FakeEngine()
    engine.addresses = {"web1": ["2001:db8::5"]}
    only(engine, OWN)
    engine.log.clear()
    engine.addresses = {"web1": []}
    item = only(engine, OWN, check_mode=check_mode)
    assert "got no address from a router's advertisement" in item["error"] and engine.log == []
    monkeypatch.setattr(_instance_call.time, "sleep", lambda _s: engine.addresses.update(web1=["2001:db8::5"]))
    assert only(engine, OWN, check_mode=check_mode)["action"] == "none"


def test_own_with_an_address_that_the_host_has_itself():
    engine = FakeEngine()
    host, entry = Host(engine), {**OWN, "address": "2001:db8::201"}
    host.has = ["2001:db8::201"]
    assert "is on the host itself" in only(engine, entry, host=host)["error"]
    told = only(engine, entry, host=host, check_mode=True)
    assert told["action"] == "created" and "which the host has now" in told["unknown"][0]
    assert only(engine, {**entry, "state": "stopped"}, host=host)["action"] == "created"
    host.has = []
    assert only(engine, entry, host=host)["action"] == "started"


def test_an_address_goes_from_one_that_goes_to_another():
    engine = made({**OWN, "address": "2001:db8::201"})
    gone = {**OWN, "address": "2001:db8::201", "state": "absent"}
    items, _changed = run(engine, gone, {**OWN, "name": "web2", "address": "2001:db8::201"})
    assert [i["action"] for i in items] == ["removed", "created"]


def test_own_keeps_its_mac_when_it_is_replaced():
    engine = FakeEngine()
    engine.addresses = {"web1": ["2001:db8::5"]}
    only(engine, OWN)
    engine.instances["default", "web1"]["config"]["volatile.eth0.hwaddr"] = "00:16:3e:12:34:56"
    assert only(engine, {**OWN, "image": "whoami2"})["action"] == "replaced"
    assert engine.instances["default", "web1"]["config"]["volatile.eth0.hwaddr"] == "00:16:3e:12:34:56"


def test_on_a_bridge_the_mac_is_given_up_first_and_taken_back():
    engine = FakeEngine()
    engine.addresses = {"web1": ["2001:db8::5"]}
    entry, key = {**OWN, "nictype": "bridged", "parent": "br0"}, "volatile.eth0.hwaddr"
    only(engine, entry)
    mac = engine.instances["default", "web1"]["config"][key]
    assert only(engine, {**entry, "image": "whoami2"})["action"] == "replaced"
    assert engine.instances["default", "web1"]["config"][key] == mac
    engine.fails = {"PUT /1.0/instances/web1/state.* when start": ["no init"]}
    assert "runs again" in only(engine, {**entry, "image": "whoami3"})["error"]
    assert engine.instances["default", "web1"]["config"][key] == mac


def test_static_one_that_the_image_takes_away():
    engine = FakeEngine()
    engine.addresses = {"web1": ["2001:db8::5"]}
    item = only(engine, {**OWN, "address": "2001:db8::201"})
    assert "did not keep its address 2001:db8::201" in item["error"]


def test_a_static_one_is_written_for_systemd_networkd_and_taken_back():
    engine = made({**OWN, "address": "2001:db8::201"})
    (text,) = engine.files.values()
    assert "Address=2001:db8::201/64" in text.splitlines()
    engine.addresses = {"web1": ["2001:db8::5"]}
    assert only(engine, OWN)["action"] == "updated"
    assert engine.files == {}


def test_a_static_one_is_replaced():
    engine = made({**OWN, "address": "2001:db8::201"})
    assert only(engine, {**OWN, "address": "2001:db8::201", "image": "whoami2"})["action"] == "replaced"
    assert len(engine.files) == 1


def test_a_network_without_stateful_dhcp_has_no_nat():
    engine = FakeEngine()
    engine.answers["/1.0/networks/ipv6-incus"] = {
        "managed": True,
        "type": "bridge",
        "config": {"ipv6.address": "fd00::1/64"},
    }
    item = only(engine, WEB1)
    assert (item["action"], item["nat"]) == ("created", False) and "stateful" in item["why"][0]
    assert "stateful" in only(engine, {**WEB1, "nat": True})["error"]


def test_a_service_that_changes_its_project_moves():
    engine = made(WEB1)
    assert only(engine, {**WEB1, "project": "p"})["action"] == "replaced"
    assert list(engine.instances) == [("p", "web1")]
    engine.fails = {"PUT /1.0/instances/web1/state.*project=default when start": ["refused"]}
    assert "runs again" in only(engine, WEB1)["error"]
    assert list(engine.instances) == [("p", "web1")] and engine.instances["p", "web1"]["status"] == "Running"


def test_a_run_that_was_interrupted_between_projects_is_finished():
    engine = made(WEB1)
    one = engine.instances.pop(("default", "web1"))
    body = {k: v for k, v in one.items() if k not in ("name", "status", "project")}
    engine.add(OLD, **body)
    engine.add("web1", "p", **body)
    engine.fails = {"PUT /1.0/instances/web1/state.*project=p when start": ["refused"]}
    item = only(engine, {**WEB1, "project": "p"})
    assert item["action"] == "failed" and list(engine.instances) == [("default", OLD)]
    assert engine.instances["default", OLD]["status"] == "Running"
    assert only(engine, {**WEB1, "project": "p"})["action"] == "replaced"
    assert list(engine.instances) == [("p", "web1")] and engine.instances["p", "web1"]["status"] == "Running"


def test_the_static_address_of_a_nic_of_its_own_goes_with_the_nic():
    engine = made({**OWN, "address": "2001:db8::201"})
    assert engine.files
    assert only(engine, WEB1)["action"] == "updated"
    assert engine.files == {}


def test_a_frozen_one_starts_again_where_it_has_to():
    engine = made(WEB1)
    engine.instances["default", "web1"]["status"] = "Frozen"
    assert only(engine, WEB1)["action"] == "started"
    assert engine.log == ["PUT instances/web1", "PUT instances/web1/state unfreeze"]
    engine.instances["default", "web1"]["status"] = "Frozen"
    engine.log.clear()
    assert only(engine, {**WEB1, "env": {"A": "1"}})["action"] == "started"
    assert engine.log[1:3] == ["PUT instances/web1/state stop", "PUT instances/web1/state start"]


def test_a_copy_that_somebody_made_is_not_ours():
    engine = made(WEB1)
    one = {k: v for k, v in engine.instances["default", "web1"].items() if k not in ("name", "status", "project")}
    engine.add("web1-copy", **one)
    engine.add("web1-copy", "backup", **one)
    assert only(engine, WEB1)["action"] == "none"
    assert only(engine, purge=True)["action"] == "removed"
    assert names(engine) == ["web1-copy", "web1-copy"]


def test_an_address_that_the_host_has_not():
    said = "Failed to listen on [2001:db8::201]:80: bind: cannot assign requested address"
    engine = FakeEngine({"PUT /1.0/instances/web1/state.* when start": [said]})
    assert "give it to the host by ipv6.services.address" in only(engine, {**WEB1, "nat": False})["error"]


# Who is whose


def test_foreign_one_is_left_alone():
    engine = FakeEngine()
    engine.add("web1", status="Running")
    item = only(engine, WEB1)
    assert "was not made by this collection" in item["error"]
    assert "incus delete --project default web1" in item["error"]
    assert engine.log == []
    assert only(engine, {"name": "web1", "state": "absent"})["action"] == "failed"


def test_one_that_is_changed_at_the_moment_is_read_again():
    engine = made(WEB1)
    engine.unread = {"web1": 2}
    assert only(engine, WEB1)["action"] == "none"
    engine.unread = {"web1": 2}
    assert only(engine, purge=True)["action"] == "removed"


@pytest.mark.parametrize("entries, options", [([WEB1], {}), ([], {"purge": True}), ([], {"keep": ["web1"]})])
def test_one_of_which_nobody_knows_whose_it_is_stays(entries, options):
    engine = made(WEB1)
    engine.unread = {"web1": 99}
    items, _changed = run(engine, *entries, **options)
    if entries or options.get("purge"):
        assert [(i["name"], i["engine"], i["action"]) for i in items] == [("web1", "incus", "failed")]
        assert "can't be known" in items[0]["error"] and "delete" not in items[0]["error"]
    assert engine.log == [] and names(engine) == ["web1"]


def test_one_that_is_gone_since_it_was_listed():
    engine = made(WEB1)
    engine.unread = {"web1": 1}
    engine.fails = {"GET /1.0/instances/web1\\?": [lambda e: e.instances.clear()]}
    assert only(engine, WEB1)["action"] == "created"


def test_absent_and_purge_take_only_ours():
    engine = made(WEB1, {**WEB1, "name": "web2", "address": "2001:db8::202"})
    engine.add("theirs", status="Running")
    assert only(engine, {"name": "web1", "state": "absent"})["action"] == "removed"
    assert run(engine, purge=True, keep=["web2"]) == ([], False)
    assert only(engine, purge=True)["action"] == "removed"
    assert names(engine) == ["theirs"]


def test_one_service_in_two_places_is_purged_from_both():
    engine = made(WEB1)
    body = {k: v for k, v in engine.instances["default", "web1"].items() if k not in ("name", "status", "project")}
    engine.add("web1", "p", **body)
    assert only(engine, purge=True)["action"] == "removed"
    assert names(engine) == []


@pytest.mark.parametrize(
    "entries, options",
    [
        ([], {"purge": True}),
        ([{"name": "web1", "state": "absent"}], {}),
        ([{**WEB1, "image": "whoami2", "config": {"security.protection.delete": "true"}}], {}),
    ],
)
def test_one_that_is_protected_is_not_even_stopped(entries, options):
    engine = made({**WEB1, "config": {"security.protection.delete": "true"}})
    item = only(engine, *entries, **options)
    assert item["action"] == "failed" and "security.protection.delete" in item["error"]
    assert engine.log == []


def test_an_image_that_is_gone_is_missed_only_when_it_is_needed():
    entry = {**WEB1, "image_server": None}
    engine = made(entry)
    engine.answers.pop("/1.0/images/aliases/whoami")
    assert only(engine, entry)["action"] == "none"
    assert "not in the store" in only(engine, {**entry, "name": "web2", "address": "2001:db8::202"})["error"]


def test_one_that_can_not_be_changed_keeps_its_port():
    engine = made({**WEB1, "image_server": None})
    one = {**WEB1, "image_server": None, "image": "nosuch", "address": "2001:db8::202"}
    items, _changed = run(engine, one, {**WEB1, "name": "web2"})
    errors = {i["name"]: i["error"] for i in items}
    assert "not in the store" in errors["web1"] and "is taken by the instance web1" in errors["web2"]


def test_what_could_not_be_removed_does_not_hide_why():
    engine = FakeEngine({"PUT /1.0/instances/web1/state.* when start": ["no init"] * 2, "DELETE": ["busy"] * 9})
    error = only(engine, WEB1)["error"]
    assert "no init" in error and error.endswith("busy.")


def test_a_network_that_is_full_stops_nobody_else():
    engine = FakeEngine()
    config = {"ipv6.address": "fd00::1/127", "ipv6.dhcp.stateful": "true"}
    engine.answers["/1.0/networks/ipv6-incus"]["config"] = config
    items, _changed = run(engine, WEB1, {**OWN, "name": "web2", "address": "2001:db8::202"})
    assert [i["action"] for i in items] == ["created", "failed"] and "no address is free" in items[1]["error"]


def test_two_services_exchange_their_addresses():
    two = {**WEB1, "name": "web2", "address": "2001:db8::202"}
    engine = made(WEB1, two)
    items, _changed = run(engine, {**WEB1, "address": "2001:db8::202"}, {**two, "address": "2001:db8::201"})
    assert [i["action"] for i in items] == ["updated", "updated"]
    listens = {n: i["devices"]["ipv6-services-tcp-80"]["listen"] for (_p, n), i in engine.instances.items()}
    assert listens == {"web1": "tcp:[2001:db8::202]:80", "web2": "tcp:[2001:db8::201]:80"}


BAD = [
    pytest.param([WEB1, {**WEB1, "ports": [81]}], "twice", id="a name twice"),
    pytest.param([{**WEB1, "name": "a.b"}, {**WEB1, "name": "a-b"}], "too", id="two names with one instance"),
    pytest.param([WEB1, {**WEB1, "name": "web2"}], "is that of web1 already", id="a port twice"),
    pytest.param(
        [{**OWN, "address": "2001:db8::201"}, {**OWN, "name": "web2", "address": "2001:db8::201"}],
        "is that of web1 already",
        id="an address twice",
    ),
    pytest.param(
        [WEB1, {**OWN, "name": "web2", "address": "2001:db8::201"}],
        "The address 2001:db8::201 is that of web1 already",
        id="an address that the host publishes on, with a NIC",
    ),
    pytest.param(
        [{**OWN, "address": "2001:db8::201"}, {**WEB1, "name": "web2"}],
        "The address 2001:db8::201 is that of web1 already",
        id="the same in the other order",
    ),
    pytest.param([{**WEB1, "image_server": None, "image": "nosuch"}], "not in the store", id="no such image"),
    pytest.param([{**WEB1, "profiles": ["nosuch"]}], "profile nosuch", id="no such profile"),
]


@pytest.mark.parametrize("entries, text", BAD)
def test_what_is_refused(entries, text):
    engine = FakeEngine()
    items, _changed = run(engine, *entries)
    assert text in " ".join(i.get("error", "") for i in items)
    made = {i["name"] for i in items if i["action"] == "created"}
    assert set(names(engine)) == made


@pytest.mark.parametrize(
    "network, text",
    [
        (None, "network ipv6-incus is not on incus. Run the role ipv6.services.host"),
        ({"managed": False, "type": "bridge"}, "is no bridge that incus manages"),
        ({"managed": True, "type": "bridge", "config": {"ipv6.dhcp.stateful": "true"}}, "has no IPv6"),
    ],
)
def test_a_network_that_will_not_do(network, text):
    engine = FakeEngine()
    engine.answers.pop("/1.0/networks/ipv6-incus")
    if network:
        engine.answers["/1.0/networks/ipv6-incus"] = network
    assert text in only(engine, WEB1)["error"]


def test_an_engine_that_is_not_there():
    engine = FakeEngine({"GET /1.0/instances": ["no such file"]})

    def refuse(_path):
        raise EngineError("GET on /s.socket: no such file", number=2)

    engine.get = refuse
    assert "Install and start it" in only(engine, WEB1)["error"]
    told = only(engine, WEB1, check_mode=True)
    assert told["action"] == "created" and "incus does not answer" in told["unknown"][0]


def test_one_that_fails_does_not_stop_the_others():
    engine = FakeEngine({"POST /1.0/instances\\? when 'web1'": ["no space"]})
    items, was_changed = run(engine, WEB1, {**WEB1, "name": "web2", "address": "2001:db8::202"})
    assert [i["action"] for i in items] == ["failed", "created"]
    assert was_changed


def test_taken_addresses():
    engine = made(WEB1)
    assert [str(a) for a in taken_addresses([])] == []
    assert engine.instances["default", "web1"]["devices"]["eth0"]["ipv6.address"].startswith("fd00:")
