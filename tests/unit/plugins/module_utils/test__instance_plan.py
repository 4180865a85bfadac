# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided about an instance, from what is wanted and what there is."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._instance_body import (
    Link,
    Network,
    Span,
    body_of,
    inside_address,
    proxies_of,
    spans_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Found, Held, State
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import (
    Host,
    plan_purge,
    plan_service,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_ports import clashes, order
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Image, Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_whose import Group, foreign, group_of, spare_name
from ansible_collections.ipv6.services.plugins.module_utils._ports import parse_ports

WEB1, WEB2 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
SUBNET = IPv6Network("fd00::/64")
LINK = Link("eth0", (IPv6Network("2001:db8::/56"),))
HOST = Host(Network("ipv6-incus", SUBNET), lambda _wanted: LINK, profile_nics={("default", "default"): ("eth0",)})
WANTED = Instance(
    "web1",
    "incus",
    "started",
    address=WEB1,
    image=Image("whoami", "https://images.example.com"),
    ports=parse_ports([80], WEB1),
    env={"A": "1"},
    secret_env={"T": "xyzzy"},
)
OWN = replace(WANTED, addressing="own", address=None, ports=())
FINGERPRINT = "ab" * 32
GOOD = Held(WEB1, usable=True, duplicate=False)


def found(wanted=WANTED, status="Running", host=HOST, **changes):
    """The instance that an earlier call made for what is wanted."""
    body = plan_service(wanted, Group(), None, host).body
    config = {**body.config, "volatile.base_image": FINGERPRINT, "user.other": "theirs", **changes.pop("config", {})}
    made = Found(
        "incus", "default", wanted.instance, status, "container", config, body.devices, body.devices, wanted.profiles
    )
    return replace(made, config={k: v for k, v in made.config.items() if v is not None}, **changes)


def state(*held):
    return State("Running", 1, {"eth0": held})


def inside():
    return state(Held(inside_address("default/web1", SUBNET, ()), usable=True, duplicate=False))


ALL = replace(HOST, chains=frozenset({"prert.web1.ipv6-services-tcp-80"}))


def plan(wanted=WANTED, there=None, seen=None, host=ALL):
    return plan_service(wanted, Group(there), seen, host)


def test_one_that_is_not_there_is_created():
    step = plan()
    assert step.action == "created"
    assert step.body.nat is True
    assert step.without_nat.nat is False
    assert step.body.devices["eth0"] == {
        "type": "nic",
        "name": "eth0",
        "network": "ipv6-incus",
        "ipv6.address": str(step.body.inside),
    }
    assert step.body.config["raw.lxc"] == f"lxc.net.0.ipv6.address={step.body.inside}/64"
    assert step.body.config["boot.autostart"] == "true"


def test_a_second_run_does_nothing():
    step = plan(there=found(), seen=inside())
    assert (step.action, step.changes) == ("none", ())


@pytest.mark.parametrize(
    "wanted, change, restart",
    [
        pytest.param(
            replace(WANTED, memory=2**28), "limits.memory: None -> 268435456", False, id="a limit, as it runs"
        ),
        pytest.param(replace(WANTED, cpus=2.0), "limits.cpu: None -> 2", False, id="CPUs"),
        pytest.param(replace(WANTED, cpus=1.5), "limits.cpu.allowance: None -> 150ms/100ms", False, id="time of a CPU"),
        pytest.param(replace(WANTED, env={"A": "2"}), "environment.A: (hidden) -> (hidden)", True, id="a variable"),
        pytest.param(replace(WANTED, env={}), "environment.A: (hidden) -> None", True, id="a variable that goes"),
        pytest.param(
            replace(WANTED, secret_env={"T": "new"}), "environment.T: (hidden) -> (hidden)", True, id="a secret"
        ),
        pytest.param(replace(WANTED, user_data="#!x"), "cloud-init.user-data: None -> (hidden)", True, id="user data"),
        pytest.param(
            replace(WANTED, config={"user.x": "y"}), "user.x: None -> (hidden)", False, id="a key of the user"
        ),
        pytest.param(
            replace(WANTED, config={"security.nesting": "true"}),
            "security.nesting: None -> true",
            True,
            id="a key that counts from the start",
        ),
        pytest.param(replace(WANTED, profiles=("a",)), "profiles: ['default'] -> ['a']", True, id="profiles"),
        pytest.param(
            replace(WANTED, devices={"d": {"type": "disk", "path": "/srv"}}),
            "device d: None -> path=/srv type=disk",
            False,
            id="a disk",
        ),
        pytest.param(
            replace(WANTED, ports=parse_ports(["80:81"], WEB1)),
            "device ipv6-services-tcp-80 connect: tcp:[::]:80 -> tcp:[::]:81",
            False,
            id="another port inside",
        ),
        pytest.param(
            replace(WANTED, address=WEB2, ports=parse_ports([80], WEB2)),
            "address: 2001:db8::201 -> 2001:db8::202",
            False,
            id="another address",
        ),
    ],
)
def test_what_is_changed_in_place(wanted, change, restart):
    step = plan(wanted, found(), inside())
    assert step.action == "updated"
    assert change in [str(c) for c in step.changes]
    assert step.restart is restart


def test_a_secret_device_option_is_hidden():
    wanted = replace(WANTED, devices={"d": {"type": "disk", "ceph.key": "xyzzy"}})
    assert "xyzzy" not in str(plan(wanted, found(), inside()).changes)


@pytest.mark.parametrize(
    "wanted, there, change",
    [
        pytest.param(
            replace(WANTED, image=Image("whoami2", "https://images.example.com")),
            {},
            "image: https://images.example.com/whoami -> https://images.example.com/whoami2",
            id="another image",
        ),
        pytest.param(
            replace(WANTED, type="virtual-machine"), {}, "type: container -> virtual-machine", id="another type"
        ),
        pytest.param(replace(WANTED, project="p"), {}, "project: default -> p", id="another project"),
        pytest.param(replace(WANTED, engine="lxd"), {}, "engine: incus -> lxd", id="another engine"),
    ],
)
def test_what_only_a_new_instance_has(wanted, there, change):
    old = found(**there)
    step = plan(wanted, old, inside(), replace(ALL, taken={plan().body.inside}))
    assert step.action == "replaced"
    assert [str(c) for c in step.changes] == [change]
    assert step.body.inside != plan().body.inside  # the old one is kept with its own


def test_an_alias_of_the_own_store_that_leads_elsewhere_replaces():
    wanted = replace(WANTED, image=Image("whoami"))
    host = replace(ALL, images={("default", "whoami"): "cd" * 32})
    assert plan(wanted, found(wanted), inside(), host).action == "replaced"
    same = replace(ALL, images={("default", "whoami"): FINGERPRINT})
    assert plan(wanted, found(wanted), inside(), same).action == "none"


def test_the_same_image_by_its_fingerprint_is_the_same():
    wanted = replace(WANTED, image=Image(FINGERPRINT[:12]))
    assert plan(wanted, found(), inside()).action == "updated"  # what was asked for is written down


@pytest.mark.parametrize(
    "mark", ["no json", "[]", '{"config": 5, "devices": [[]], "image": 5}', '{"config": [{}], "image": ["a"]}']
)
def test_marks_that_somebody_took_away_are_written_again(mark):
    there = found(config={"user.ipv6.services.options": mark, "user.ipv6.services.address": None})
    step = plan(there=there, seen=inside())
    assert (step.action, [c.what for c in step.changes]) == ("updated", ["address", "options"])


@pytest.mark.parametrize(
    "seen, host, change",
    [
        pytest.param(inside(), replace(ALL, chains=frozenset()), "effective ports", id="nftables lost the rules"),
        pytest.param(state(), ALL, "effective address", id="the instance has not its address"),
        pytest.param(
            state(Held(plan().body.inside, usable=False, duplicate=True)),
            ALL,
            "effective address",
            id="it is a duplicate",
        ),
    ],
)
def test_what_is_not_effective(seen, host, change):
    step = plan(there=found(), seen=seen, host=host)
    assert step.action == "updated"
    assert [c.what for c in step.changes] == [change]


def test_rules_that_cannot_be_read_are_taken_as_there():
    assert plan(there=found(), seen=inside(), host=replace(ALL, chains=None)).action == "none"


def test_a_proxy_that_does_not_listen_is_attached_again():
    wanted = replace(WANTED, nat=False)
    step = plan(wanted, found(wanted), inside(), ALL)
    assert (step.action, step.reattach) == ("updated", ("ipv6-services-tcp-80",))
    listens = replace(ALL, listeners={("tcp", WEB1, 80)})
    assert plan(wanted, found(wanted), inside(), listens).action == "none"


def test_a_change_that_was_never_made_effective_is():
    step = plan(there=found(config={"user.ipv6.services.restart": "1"}), seen=inside())
    assert (step.action, step.restart) == ("updated", True)


@pytest.mark.parametrize(
    "status, wanted, action",
    [
        ("Stopped", "started", "started"),
        ("Frozen", "started", "started"),
        ("Error", "started", "started"),
        ("Stopped", "stopped", "none"),
        ("Running", "stopped", "stopped"),
        ("Frozen", "stopped", "stopped"),
    ],
)
def test_states(status, wanted, action):
    wanted = replace(WANTED, state=wanted)
    assert plan(wanted, found(wanted, status), inside() if status == "Running" else None).action == action


def test_a_stopped_one_does_not_come_back_after_a_reboot():
    assert plan(replace(WANTED, state="stopped")).body.config["boot.autostart"] == "false"


def test_absent():
    gone = Instance("web1", "incus", "absent")
    assert plan(gone, found()).action == "removed"
    assert plan(gone).action == "none"


@pytest.mark.parametrize(
    "changes, nat, why",
    [
        pytest.param({}, True, None, id="where it can be had"),
        pytest.param({"nat": False}, False, None, id="not where it is refused"),
        pytest.param({"proxy_protocol": True}, False, None, id="not with the PROXY protocol"),
        pytest.param(
            {"devices": {"eth0": {"type": "nic"}}},
            False,
            "its device eth0 has no ipv6.address",
            id="not to a foreign NIC",
        ),
        pytest.param(
            {"devices": {"eth0": {"type": "nic", "ipv6.address": "fd00::5"}}}, True, None, id="but to a static one"
        ),
    ],
)
def test_nat(changes, nat, why):
    step = plan(replace(WANTED, **changes))
    assert step.body.nat is nat
    assert (why in step.notes[0]) if why else not step.notes


def test_a_host_that_refused_nat_is_not_asked_again():
    there = found(replace(WANTED, nat=False), config={"user.ipv6.services.no-nat": "no such rule"})
    host = replace(ALL, listeners={("tcp", WEB1, 80)})
    step = plan(WANTED, there, inside(), host)
    assert (step.action, step.body.nat) == ("none", False)
    assert step.notes == ("published without nat, which hides the client's address: no such rule",)
    assert plan(replace(WANTED, nat=True), there, inside(), host).body.nat is True


# Instances with a NIC of their own


def test_own_with_the_address_of_the_router():
    step = plan(OWN)
    assert step.body.devices == {"eth0": {"type": "nic", "name": "eth0", "nictype": "macvlan", "parent": "eth0"}}
    assert step.body.config["user.ipv6.services.address"] == "auto"
    assert "raw.lxc" not in step.body.config
    assert step.body.nat is None


def test_own_with_a_static_address():
    wanted = replace(OWN, address=WEB1, config={"raw.lxc": "lxc.x=1\n"})
    link = replace(LINK, gateway="fe80::1")
    body = body_of(wanted, HOST.network, link, None, None, ["a0"])
    assert body.config["raw.lxc"].splitlines() == [
        "lxc.x=1",
        "lxc.net.1.ipv6.address=2001:db8::201/56",
        "lxc.net.1.ipv6.gateway=fe80::1",
    ]
    assert '"2001:db8::201/56"' in body.config["cloud-init.network-config"]


def test_a_network_config_of_the_user_stays():
    body = body_of(
        replace(OWN, address=WEB1, config={"cloud-init.network-config": "x"}), HOST.network, LINK, None, None
    )
    assert body.config["cloud-init.network-config"] == "x"


@pytest.mark.parametrize("held", [[GOOD], [], [Held(WEB1, usable=False, duplicate=True)]])
def test_own_of_the_router_is_not_mended_by_a_start(held):
    assert plan(OWN, found(OWN), state(*held)).action == "none"


def test_own_static_is_mended_by_a_start():
    wanted = replace(OWN, address=WEB1)
    assert plan(wanted, found(wanted), state(GOOD)).action == "none"
    assert plan(wanted, found(wanted), state(GOOD._replace(usable=False))).action == "none"  # it comes
    step = plan(wanted, found(wanted), state())
    assert (step.action, step.restart) == ("updated", True)


@pytest.mark.parametrize(
    "devices, profile_nics, theirs, number",
    [
        pytest.param({}, ["a0"], {}, 1, id="that of a profile"),
        pytest.param({"a0": {"type": "none"}}, ["a0"], {}, 0, id="one that is masked"),
        pytest.param({"a0": {"type": "nic"}}, ["a0"], {}, 1, id="one instead of it"),
        pytest.param({}, [], {"a0": {"type": "nic"}}, 1, id="one that somebody added"),
        pytest.param({}, [], {"a0": {"type": "disk"}}, 0, id="no NIC"),
    ],
)
def test_which_nic_has_the_address(devices, profile_nics, theirs, number):
    wanted = replace(WANTED, devices=devices)
    host = replace(ALL, profile_nics={("default", "default"): profile_nics})
    there = found(wanted, host=host)
    there = replace(there, devices={**there.devices, **theirs})
    assert f"lxc.net.{number}.ipv6.address" in plan(wanted, there, inside(), host).body.config["raw.lxc"]


# Devices and addresses


def test_spans():
    bindings = parse_ports(["80:8080", "8000-8002:9000-9002", "8003:9100", "8001-8002/udp"], WEB1)
    assert spans_of(bindings) == [
        Span(WEB1, "tcp", 80, 8080, 1),
        Span(WEB1, "tcp", 8000, 9000, 3),
        Span(WEB1, "tcp", 8003, 9100, 1),
        Span(WEB1, "udp", 8001, 8001, 2),
    ]


def test_proxies():
    wanted = replace(WANTED, ports=parse_ports(["8000-8001:80-81", "[2001:db8::202]:80:80"], WEB1), proxy_protocol=True)
    assert proxies_of(wanted, nat=False) == {
        "ipv6-services-tcp-8000": {
            "type": "proxy",
            "listen": "tcp:[2001:db8::201]:8000-8001",
            "connect": "tcp:127.0.0.1:80-81",
            "proxy_protocol": "true",
        },
        "ipv6-services-tcp-80-2fa51416": {
            "type": "proxy",
            "listen": "tcp:[2001:db8::202]:80",
            "connect": "tcp:127.0.0.1:80",
            "proxy_protocol": "true",
        },
    }


def test_the_address_inside_is_the_same_each_time_and_never_one_that_is_taken():
    first = inside_address("web1", SUBNET, ())
    assert first == inside_address("web1", SUBNET, ()) and first in SUBNET
    assert inside_address("web1", SUBNET, {first}) not in (first, inside_address("web2", SUBNET, ()))


def test_an_address_of_another_prefix_is_given_up():
    step = plan(
        there=found(), seen=inside(), host=replace(ALL, network=Network("ipv6-incus", IPv6Network("fd99::/64")))
    )
    assert step.action == "updated" and step.restart
    assert step.body.inside in IPv6Network("fd99::/64")


def test_no_value_of_a_key_is_in_the_marks():
    options = json.loads(plan().body.config["user.ipv6.services.options"])
    assert "environment.T" in options["config"]
    assert "xyzzy" not in json.dumps(options)


# Which instance counts

NEW, OLD = spare_name("web1", "new"), spare_name("web1", "old")


@pytest.mark.parametrize(
    "there, current, leftovers, rename_back",
    [
        pytest.param([], None, [], False, id="none"),
        pytest.param([("web1", "Running")], "web1", [], False, id="its own"),
        pytest.param([("web1", "Running"), (NEW, "Stopped")], "web1", [NEW], False, id="a new one that was not used"),
        pytest.param([(NEW, "Stopped")], None, [NEW], False, id="only a new one"),
        pytest.param(
            [("web1", "Running"), (OLD, "Stopped")], "web1", [OLD], False, id="an old one that is not needed any more"
        ),
        pytest.param([("web1", "Stopped"), (OLD, "Stopped")], OLD, ["web1"], True, id="a new one that never ran"),
        pytest.param([(OLD, "Stopped"), (NEW, "Stopped")], OLD, [NEW], True, id="between the two names"),
    ],
)
def test_group_of(there, current, leftovers, rename_back):
    group = group_of(WANTED, [found(status=status, name=name) for name, status in there])
    assert (group.current.name if group.current else None) == current
    assert [f.name for f in group.leftovers] == leftovers
    assert group.rename_back is rename_back


def test_one_on_another_engine_counts_where_there_is_none():
    other = found(engine="lxd")
    assert group_of(WANTED, [other]) == Group(other)
    assert group_of(WANTED, [other, found()]) == Group(found(), (other,))


def test_foreign():
    assert foreign(WANTED, [found()]) is None
    assert foreign(WANTED, [found(config={"user.ipv6.services.name": None})])
    assert foreign(WANTED, [found(config={"user.ipv6.services.name": "web1.example.com"})])


def test_purge_takes_only_what_is_ours():
    mine, theirs = found(), found(name="x", config={"user.ipv6.services.name": None})
    assert [s.name for s in plan_purge([], [mine, theirs])] == ["web1"]
    assert plan_purge(["web1"], [mine, theirs]) == []


# Ports


def test_two_that_change_ports_with_each_other_give_them_up_first():
    two = replace(WANTED, name="web2", address=WEB2, ports=parse_ports([80], WEB2))
    steps = [
        plan(replace(WANTED, address=WEB2, ports=parse_ports([80], WEB2)), found(), inside()),
        plan(replace(two, address=WEB1, ports=parse_ports([80], WEB1)), found(two), inside()),
    ]
    assert clashes(steps, [found(), found(two)], set(), ()) == {}
    assert [s.stop_early for s in order(steps)] == [True, True]


@pytest.mark.parametrize(
    "listed, listeners, own, text",
    [
        pytest.param([], [], [], None, id="nobody has it"),
        pytest.param([{"name": "other"}], [], [], "the instance other", id="an instance outside of the call"),
        pytest.param([{"name": "other", "status": "Stopped"}], [], [], None, id="one that does not run"),
        pytest.param([], [("tcp", WEB1, 80)], [], "a program of the host", id="a program of the host"),
        pytest.param(
            [], [("tcp", IPv6Address("::"), 80)], [], None, id="a program on every address, and a service address"
        ),
        pytest.param(
            [], [("tcp", IPv6Address("::"), 80)], [WEB1], "a program of the host", id="the same on the host's address"
        ),
        pytest.param([], [("udp", WEB1, 80)], [], None, id="another protocol"),
    ],
)
def test_clashes(listed, listeners, own, text):
    errors = clashes([plan()], [found(**options) for options in listed], set(listeners), own)
    assert (text in errors["web1"]) if text else not errors


def test_a_port_of_one_that_is_not_to_run_is_no_clash():
    step = plan(replace(WANTED, state="stopped"))
    assert clashes([step], [found(name="other")], {("tcp", WEB1, 80)}, [WEB1]) == {}


def test_its_own_proxy_is_no_clash():
    wanted = replace(WANTED, nat=False)
    step = plan(replace(wanted, memory=2**28), found(wanted), inside(), replace(ALL, listeners={("tcp", WEB1, 80)}))
    assert clashes([step], [found(wanted)], {("tcp", WEB1, 80)}, ()) == {}
