# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import (
    INSTANCE_OPTIONS,
    EntryError,
    Image,
    parse_instance,
)

GOOD = {"name": "web1", "address": "2001:db8::201", "image": "debian/13"}
WEB1 = IPv6Address("2001:db8::201")


def parse(**options):
    given = {option: value for option, value in {**GOOD, **options}.items() if value != "(none)"}
    checked = ArgumentSpecValidator(INSTANCE_OPTIONS).validate(given)
    assert not checked.error_messages
    return parse_instance(checked.validated_parameters)


@pytest.mark.parametrize(
    "options, field, expected",
    [
        pytest.param({}, "address", WEB1, id="an address"),
        pytest.param({}, "image", Image("debian/13"), id="an alias of the engine's store"),
        pytest.param(
            {"image_server": "https://images.example.com/", "image_protocol": "incus"},
            "image",
            Image("debian/13", "https://images.example.com", "incus"),
            id="a server, without the slash at its end",
        ),
        pytest.param({"name": "web1.example.com"}, "instance", "web1-example-com", id="dots become hyphens"),
        pytest.param(
            {"name": "a" * 50 + ".example.co.uk.and.more"},
            "instance",
            "a" * 50 + "-exa-4fae83f8",
            id="a long name ends with a hash",
        ),
        pytest.param({"addressing": "own", "address": "auto"}, "address", None, id="the router decides"),
        pytest.param(
            {"config": {"security.nesting": True, "limits.processes": 9}},
            "config",
            {"security.nesting": "true", "limits.processes": "9"},
            id="YAML's values become text",
        ),
        pytest.param(
            {"devices": {"d": {"type": "disk", "readonly": False}}},
            "devices",
            {"d": {"type": "disk", "readonly": "false"}},
            id="those of devices too",
        ),
        pytest.param({"memory": "512M"}, "memory", 512 * 1024**2, id="bytes"),
        pytest.param({"memory": "0"}, "memory", 0, id="no limit"),
        pytest.param({"cpus": 1.5}, "cpus", 1.5, id="part of a CPU"),
        pytest.param({"profiles": []}, "profiles", (), id="no profile"),
        pytest.param({}, "profiles", ("default",), id="the default profile"),
        pytest.param({"user_data": "#cloud-config\n{}"}, "user_data", "#cloud-config\n{}", id="user data"),
        pytest.param(
            {"addressing": "own", "address": "auto", "ports": [80]},
            "ports",
            (),
            id="ports of auto only say what is asked",
        ),
    ],
)
def test_parse_instance(options, field, expected):
    assert getattr(parse(**options), field) == expected


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"engine": "incus", "name": "8web"}, id="a digit in front, for Incus"),
        pytest.param({"addressing": "own", "ports": ["443:443", "[2001:db8::201]:80:80"]}, id="ports of its own NIC"),
        pytest.param({"config": {"cloud-init.vendor-data": "a\nb"}}, id="lines in a key that is no variable"),
    ],
)
def test_what_is_right(options):
    parse(**options)


def test_absent_needs_its_name_only():
    assert parse(address="(none)", image="(none)", state="absent").state == "absent"


def test_the_plan_needs_no_address_yet():
    entry = {"name": "web1", "image": "debian/13", "ports": [80]}
    assert parse_instance(entry, address_known=False).ports == ()


BAD = [
    pytest.param({"name": "80"}, "name", "a number", id="a name that is a number"),
    pytest.param({"name": "8.0"}, "name", "a number", id="or is one without its dots"),
    pytest.param({"name": "we_b"}, "name", "no DNS name", id="no DNS name"),
    pytest.param({"address": "(none)"}, "address", "missing", id="no address"),
    pytest.param({"address": "auto"}, "address", "addressing: own", id="auto without a NIC of its own"),
    pytest.param({"address": "192.0.2.1"}, "address", "IPv4", id="an IPv4 address"),
    pytest.param({"image": "(none)"}, "image", "missing", id="no image"),
    pytest.param({"image": "images:debian/13"}, "image", "image_server", id="a remote of the command line"),
    pytest.param({"image": "debian 13"}, "image", "no image", id="a space"),
    pytest.param({"image_server": "http://images.example.com"}, "image_server", "https", id="not https"),
    pytest.param(
        {"image_server": "https://user:pw@images.example.com"}, "image_server", "https", id="a password in the URL"
    ),
    pytest.param({"ports": ["80/sctp"]}, "ports", "sctp", id="sctp"),
    pytest.param({"ports": [80, "80:81"]}, "ports", "twice", id="a port twice"),
    pytest.param({"ports": [70000]}, "ports[0]", "65535", id="no port"),
    pytest.param({"parent": "eth0/1"}, "parent", "no name of an interface", id="no interface"),
    pytest.param({"profiles": ["a", "a"]}, "profiles", "twice", id="a profile twice"),
    pytest.param({"profiles": ["a b"]}, "profiles[0]", "no name of a profile", id="no profile"),
    pytest.param({"project": "a/b"}, "project", "no name of a project", id="no project"),
    pytest.param({"config": {"user.ipv6.services.name": "x"}}, "config", "own", id="a key of ours"),
    pytest.param({"config": {"volatile.uuid": "x"}}, "config", "engine's own", id="a key of the engine"),
    pytest.param({"config": {1: "x"}}, "config", "no key", id="a key that is no text"),
    pytest.param({"config": {"a.b": None}}, "config.a.b", "no text", id="a value that is none"),
    pytest.param({"config": {"a.b": ["x"]}}, "config.a.b", "no text", id="a value that is a list"),
    pytest.param({"config": {"limits.memory": "1G"}, "memory": "1G"}, "config", "memory", id="said twice"),
    pytest.param({"config": {"environment.A": "1"}, "env": {"A": "1"}}, "config", "env", id="a variable said twice"),
    pytest.param({"devices": {"ipv6-services-x": {"type": "nic"}}}, "devices", "own", id="a device of ours"),
    pytest.param({"devices": {"d": {"path": "/"}}}, "devices.d", "type", id="a device without a type"),
    pytest.param({"devices": {"d": "disk"}}, "devices.d", "type", id="a device that is text"),
    pytest.param({"user_data": "packages: []"}, "user_data", "cloud-config", id="user data that nothing would read"),
    pytest.param({"env": {"A": True}}, "env.A", "no text", id="a variable that is no text"),
    pytest.param({"env": {"A": "1"}, "secret_env": {"A": "2"}}, "secret_env", "env too", id="a variable twice"),
    pytest.param({"cpus": 0.0}, "cpus", "no number of CPUs", id="no CPU"),
    pytest.param({"cpus": 1.5, "type": "virtual-machine"}, "cpus", "whole", id="half a CPU of a virtual machine"),
    pytest.param({"memory": "1"}, "memory", "too small", id="no memory"),
    pytest.param({"nat": True, "proxy_protocol": True}, "proxy_protocol", "nat", id="both ways to know the client"),
    pytest.param(
        {"proxy_protocol": True, "ports": ["53/udp"]}, "proxy_protocol", "tcp", id="the PROXY protocol over udp"
    ),
    pytest.param(
        {"nat": False, "ports": [80], "type": "virtual-machine"}, "nat", "nat", id="a virtual machine without nat"
    ),
    pytest.param({"addressing": "own", "nat": True}, "nat", "NIC of its own", id="nat of a NIC of its own"),
    pytest.param(
        {"addressing": "own", "address": "auto", "ports": ["443:8443"]},
        "ports",
        "443:8443 leads to another port, and in front of a NIC of its own there is nobody to do so.",
        id="another port of a NIC of its own",
    ),
    pytest.param(
        {"addressing": "own", "ports": ["[2001:db8::202]:80:80"]},
        "ports",
        "is on another address than that of the service's own NIC",
        id="another address than that of its own NIC",
    ),
    pytest.param({"env": {"A": "xy\nzzy"}}, "env.A", "line break", id="a variable of two lines"),
    pytest.param({"secret_env": {"A": "xy\nzzy"}}, "secret_env.A", "line break", id="a secret of two lines"),
    pytest.param(
        {"config": {"environment.A": "xy\nzzy"}}, "config.environment.A", "line break", id="one by its config key"
    ),
    pytest.param({"engine": "lxd", "name": "8web"}, "name", "begins with a digit", id="a digit in front, for LXD"),
]


@pytest.mark.parametrize("options, field, text", BAD)
def test_what_is_wrong(options, field, text):
    with pytest.raises(EntryError) as error:
        parse(**options)
    problems = {p.field: p for p in error.value.problems}
    assert field in problems
    assert text in f"{problems[field].problem} {problems[field].mend}"


def test_no_value_that_may_be_a_secret_is_in_an_error():
    with pytest.raises(EntryError) as error:
        parse(
            env={"A": 1234567},
            secret_env={"B": ["xyzzy"]},
            config={"a.b": ["xyzzy"], "limits.memory": "xyzzy"},
            memory="1G",
            user_data="xyzzy",
            image_server="https://user:xyzzy@images.example.com",
        )
    assert "xyzzy" not in str(error.value) + str(error.value.problems) and "1234567" not in str(error.value)
    with pytest.raises(EntryError) as error:
        parse(secret_env={"B": "xyzzy\nxyzzy"}, config={"environment.C": "xyzzy\n"})
    assert "xyzzy" not in str(error.value) + str(error.value.problems)


def test_no_value_that_may_be_a_secret_is_in_a_repr():
    text = repr(parse(secret_env={"B": "xyzzy"}, config={"a.b": "xyzzy"}, user_data="#!xyzzy"))
    assert "xyzzy" not in text
