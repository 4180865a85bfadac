# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ipv6.services.plugins.module_utils._container_spec import (
    CONTAINER_OPTIONS,
    EntryError,
    engine_of,
    kind_of,
    parse_container,
    user_of,
)

GOOD = {"name": "web1", "address": "2001:db8::201", "image": "docker.io/traefik/whoami:v1.11"}


def parse(**options):
    checked = ArgumentSpecValidator(CONTAINER_OPTIONS).validate({**GOOD, **options})
    assert not checked.error_messages
    return parse_container(checked.validated_parameters, options.get("engine", "docker"))


FIXED = [
    ("command", "sh -c 'a b'", ["sh", "-c", "a b"]),
    ("command", ["sleep", 60], ["sleep", "60"]),
    ("command", [], []),
    ("entrypoint", [], []),
    ("cap_add", ["cap_net_admin", "NET_ADMIN"], ["NET_ADMIN"]),
    ("cap_drop", ["all"], ["ALL"]),
    (
        "devices",
        ["/dev/null"],
        [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/null", "CgroupPermissions": "rwm"}],
    ),
    (
        "devices",
        ["/dev/null:r"],
        [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/null", "CgroupPermissions": "r"}],
    ),
    ("dns_servers", ["2001:DB8:0::53"], ["2001:db8::53"]),
    ("etc_hosts", {"a": "host-gateway", "b": "::1"}, {"a": "host-gateway", "b": "::1"}),
    ("healthcheck", {"test": "true", "interval": "1m30s"}, {"Test": ["CMD-SHELL", "true"], "Interval": 90 * 10**9}),
    ("healthcheck", {"test": ["NONE"]}, {"Test": ["NONE"]}),
    ("healthcheck", {"test_cli_compatible": True, "retries": 5}, {"Test": [], "Retries": 5}),
    ("labels", {"a": 1, "b": "x"}, {"a": "1", "b": "x"}),
    ("security_opts", ["no-new-privileges:true"], ["no-new-privileges"]),
    ("security_opts", ["label:type:a_t", "seccomp=unconfined"], ["label=type:a_t", "seccomp=unconfined"]),
    ("shm_size", "64M", 64 * 1024**2),
    ("stop_signal", "term", "SIGTERM"),
    ("stop_signal", "SIGRTMIN+3", "SIGRTMIN+3"),
    ("sysctls", {"net.core.somaxconn": 1024}, {"net.core.somaxconn": "1024"}),
    ("tmpfs", ["/run:size=64m", "/t"], {"/run": "size=64m", "/t": ""}),
    (
        "ulimits",
        ["nofile:10", "core:unlimited"],
        [{"Name": "nofile", "Soft": 10, "Hard": 10}, {"Name": "core", "Soft": -1, "Hard": -1}],
    ),
    ("volumes", ["data:/data", "/a:/b:ro"], ["/a:/b:ro", "data:/data:rw"]),
    ("mounts", [{"target": "/m", "source": "vol"}], [{"Type": "volume", "Target": "/m", "Source": "vol"}]),
]


@pytest.mark.parametrize(("option", "value", "expected"), FIXED, ids=[f"{o} {v}" for o, v, expected in FIXED])
def test_fixed(option, value, expected):
    assert parse(**{option: value}).fixed == {{"cap_add": "capabilities"}.get(option, option): expected}


LIMITS = [
    ({"memory": "512m"}, {"memory": 512 * 1024**2}),
    ({"memory": "0"}, {"memory": 0}),
    ({"memory": "1.5G", "memory_swap": "unlimited"}, {"memory": 3 * 512 * 1024**2, "memory_swap": -1}),
    ({"memory": "1GiB"}, {"memory": 1024**3}),
    ({"cpus": 0.1}, {"cpus": 100_000_000}),
    ({"pids_limit": 0}, {"pids_limit": -1}),
    ({"cpuset_cpus": "0-2,4"}, {"cpuset_cpus": "0-2,4"}),
]


@pytest.mark.parametrize(("options", "expected"), LIMITS, ids=str)
def test_limits(options, expected):
    assert parse(**options).limits == expected


BAD = [
    # Names
    ({"name": "web_1"}, "name", "is no label"),
    ({"name": "-web"}, "name", "is no label"),
    ({"name": "web1."}, "name", "is no label"),
    ({"name": ""}, "name", "is no label"),
    ({"name": "a" * 64}, "name", "64 characters"),
    ({"name": ".".join(["a" * 60] * 5)}, "name", "304 characters"),
    ({"name": "bücher"}, "name", "xn--bcher-kva"),
    ({"name": "wеb1"}, "name", "xn--"),  # Cyrillic e
    ({"name": "$(reboot)"}, "name", "is no label"),
    ({"name": "web1;rm"}, "name", "is no label"),
    ({"name": "../web"}, "name", "is no label"),
    ({"name": "{{ name }}"}, "name", "is no label"),
    ({"name": True}, "name", "Put the name in quotes"),
    ({"name": "web1_ipv6-services-new"}, "name", "is no label"),
    # Addresses
    ({"address": "192.0.2.1"}, "address", "is an IPv4 address"),
    ({"address": "::ffff:192.0.2.1"}, "address", "IPv4 address 192.0.2.1"),
    ({"address": "::"}, "address", "wildcard"),
    ({"address": "::1"}, "address", "loopback"),
    ({"address": "fe80::1"}, "address", "link-local"),
    ({"address": "fe80::1%eth0"}, "address", "zone"),
    ({"address": "ff02::1"}, "address", "multicast"),
    ({"address": "2001:db8::201/64"}, "address", "prefix length"),
    ({"address": "[2001:db8::201]"}, "address", "brackets"),
    ({"address": "2001:db8::zz"}, "address", "is no IPv6 address"),
    ({"address": "2001:db8::2O1"}, "address", "is no IPv6 address"),
    ({"address": "2001:db8::２01"}, "address", "only look like"),
    ({"address": ""}, "address", "empty"),
    ({"address": None}, "address", "It is missing"),
    # Users
    ({"engine": "docker", "podman_user": "app"}, "podman_user", "the engine is docker"),
    ({"podman_user": "app"}, "podman_user", "the engine is docker"),
    ({"podman_user": "root"}, "podman_user", "the engine is docker"),
    ({"engine": "podman", "podman_user": "../app"}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": "app:web"}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": "1000"}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": "-x"}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": ""}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": "a" * 33}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": "app\n"}, "podman_user", "is no user of a host"),
    ({"engine": "podman", "podman_user": True}, "podman_user", "is no user of a host"),
    # Images
    ({"image": None}, "image", "It is missing"),
    ({"image": ""}, "image", "is no image"),
    ({"image": "Nginx"}, "image", "lower case"),
    ({"image": "nginx:"}, "image", "is no image"),
    ({"image": "nginx@sha256:12"}, "image", "is no image"),
    ({"image": "https://registry.example.com/a"}, "image", "is no image"),
    ({"image": "a b"}, "image", "is no image"),
    ({"image": False}, "image", "is no image"),
    # Variables
    ({"env": {"A": True}}, "env.A", "is no text"),
    ({"env": {"A": 5}}, "env.A", "is no text"),
    ({"env": {"A": None}}, "env.A", "is no text"),
    ({"env": {"A": "x\0y"}}, "env.A", "NUL"),
    ({"env": {"A=B": "x"}}, "env", "no name of a variable"),
    ({"env": {"": "x"}}, "env", "no name of a variable"),
    ({"secret_env": {"A": 12345}}, "secret_env.A", "is no text"),
    ({"env": {"A": "x"}, "secret_env": {"A": "y"}}, "secret_env", "is in env too"),
    ({"env_file": "relative"}, "env_file", "is no absolute path"),
    # Limits
    ({"memory": "lots"}, "memory", "is no size"),
    ({"memory": "-1"}, "memory", "is no size"),
    ({"memory": "5k"}, "memory", "too small"),
    ({"memory": "512Q"}, "memory", "is no size"),
    ({"memory_swap": "1G"}, "memory_swap", "less than memory"),
    ({"memory": "1G", "memory_swap": "512M"}, "memory_swap", "less than memory"),
    ({"memory": "1G", "memory_reservation": "2G"}, "memory_reservation", "more than memory"),
    ({"cpus": -1}, "cpus", "no number of CPUs"),
    ({"cpu_shares": 1}, "cpu_shares", "out of range"),
    ({"cpuset_cpus": "a"}, "cpuset_cpus", "no list of CPUs"),
    ({"pids_limit": -5}, "pids_limit", "out of range"),
    ({"shm_size": "0"}, "shm_size", "too small"),
    ({"oom_score_adj": 2000}, "oom_score_adj", "out of range"),
    ({"ulimits": ["files:1:2"]}, "ulimits[0]", "names no limit"),
    ({"ulimits": ["nofile:2:1"]}, "ulimits[0]", "soft limit above"),
    ({"ulimits": ["nofile"]}, "ulimits[0]", "no limit that is a number"),
    ({"restart_retries": 3}, "restart_retries", "has no limit"),
    ({"restart_policy": "on-failure", "restart_retries": -1}, "restart_retries", "negative"),
    # What of the host is seen
    ({"volumes": ["data"]}, "volumes[0]", "is no absolute path"),
    ({"volumes": ["./data:/data"]}, "volumes[0]", "relative path"),
    ({"volumes": ["~/data:/data"]}, "volumes[0]", "relative path"),
    ({"volumes": ["/data:ro"]}, "volumes[0]", "no place in the container"),
    ({"volumes": ["/a:/b:rx"]}, "volumes[0]", "unknown mode"),
    ({"volumes": ["/a:b"]}, "volumes[0]", "is no absolute path"),
    ({"volumes": ["/a/../../etc:/b"]}, "volumes[0]", "is no absolute path"),
    ({"volumes": ["/a:/b", "/c:/b"]}, "volumes", "is mounted by volumes already"),
    ({"volumes": ["/a:/b"], "tmpfs": ["/b"]}, "tmpfs", "is mounted by volumes already"),
    ({"mounts": [{"target": "/m", "type": "bind"}]}, "mounts[0]", "is no absolute path"),
    ({"mounts": [{"target": "/m", "source": "/a"}]}, "mounts[0]", "type: bind"),
    ({"mounts": [{"target": "/m", "type": "tmpfs", "source": "/a"}]}, "mounts[0]", "has no source"),
    ({"mounts": [{"target": "/m", "tmpfs_size": "1m"}]}, "mounts[0]", "is for the type tmpfs"),
    ({"mounts": [{"target": "/m", "type": "tmpfs", "tmpfs_mode": "rwx"}]}, "mounts[0]", "no octal mode"),
    ({"tmpfs": ["run"]}, "tmpfs[0]", "is no absolute path"),
    ({"devices": ["null"]}, "devices[0]", "is no absolute path"),
    ({"devices": ["/dev/a:/dev/b:rwx"]}, "devices[0]", "is no device"),
    ({"working_dir": "srv"}, "working_dir", "is no absolute path"),
    # Names and addresses inside
    ({"networks": ["host"]}, "networks[0]", "no network with ports"),
    ({"networks": [{"aliases": ["a"]}]}, "networks[0]", "names no network"),
    ({"networks": [{"name": "a", "links": ["b"]}]}, "networks[0]", "'links' is no option"),
    ({"networks": [{"name": "a", "ipv6_address": "192.0.2.1"}]}, "networks[0]", "IPv4"),
    ({"networks": [{"name": "a", "ipv4_address": "2001:db8::1"}]}, "networks[0]", "no IPv4 address"),
    ({"networks": [{"name": "a", "mac_address": "02-00"}]}, "networks[0]", "no MAC address"),
    ({"networks": ["a", "a"]}, "networks", "twice"),
    ({"hostname": "a_b"}, "hostname", "no host name"),
    ({"dns_servers": ["ns1"]}, "dns_servers[0]", "no IP address"),
    ({"etc_hosts": {"a": "somewhere"}}, "etc_hosts", "no IP address"),
    ({"user": "a b"}, "user", "is no user"),
    # The rest
    ({"capabilities": ["NET_ADMN"]}, "capabilities[0]", "Did you mean NET_ADMIN?"),
    ({"command": "sh -c 'a"}, "command", "can't be split"),
    ({"command": {"a": 1}}, "command", "neither text nor a list"),
    ({"command": ["a", True]}, "command", "neither text nor a list"),
    ({"healthcheck": {"interval": "1s"}}, "healthcheck", "no test"),
    ({"healthcheck": {"test": ["true"]}}, "healthcheck", "no test"),
    ({"healthcheck": {"test": "true", "interval": "90"}}, "healthcheck.interval", "no duration"),
    ({"healthcheck": {"test": "true", "timeout": "5us"}}, "healthcheck.timeout", "too short"),
    ({"healthcheck": {"test": "true", "retries": 0}}, "healthcheck.retries", "out of range"),
    ({"labels": {"ipv6.services.name": "x"}}, "labels", "collection's own"),
    ({"labels": {"a": True}}, "labels", "is no text"),
    ({"log_options": {"max-size": "1m"}}, "log_options", "driver that is not named"),
    ({"log_driver": "json-file", "log_options": {"compress": True}}, "log_options", "is no text"),
    ({"security_opts": ["nothing"]}, "security_opts[0]", "no security option"),
    ({"security_opts": ["seccomp=/etc/profile.json"]}, "security_opts", "the profile: seccomp={{"),
    ({"networks": [{"": "x", 0: "y"}]}, "networks[0]", "no option of a network"),
    ({"networks": [{"name": "a", None: 1, 0: 2, "": 3}]}, "networks[0]", "no option of a network"),
    ({"stop_signal": "SIGTRM"}, "stop_signal", "Did you mean TERM?"),
    ({"stop_timeout": -1}, "stop_timeout", "out of range"),
    ({"sysctls": {"vm.swappiness": 1}}, "sysctls", "for itself"),
    ({"sysctls": {"net.core.somaxconn": True}}, "sysctls", "is no text"),
    ({"ports": ["0"]}, "ports[0]", "port 0"),
    ({"ports": [80, 1342]}, "ports[1]", "base 60"),
    ({"ports": ["80", "80:81"]}, "ports", "published twice"),
    # What one engine alone knows
    ({"security_opts": ["seccomp=profile.json"]}, "security_opts[0]", "neither JSON nor a path"),
    ({"security_opts": ["unmask=ALL"]}, "security_opts", "engine: podman"),
    ({"engine": "podman", "security_opts": ['seccomp={"a": 1}']}, "security_opts", "takes the path"),
    ({"engine": "podman", "security_opts": ["seccomp:builtin"]}, "security_opts", "Leave it out"),
    # What Podman would leave out
    ({"engine": "podman", "memory": "1G", "memory_swap": "unlimited"}, "memory_swap", "leaves it out"),
    ({"engine": "podman", "domainname": "example.com"}, "domainname", "leaves it out"),
    ({"engine": "podman", "runtime": "runc"}, "runtime", "leaves it out"),
    (
        {"engine": "podman", "healthcheck": {"test": "true", "start_interval": "1s"}},
        "healthcheck.start_interval",
        "leaves it out",
    ),
    (
        {"engine": "podman", "mounts": [{"target": "/m", "source": "vol", "subpath": "a"}]},
        "mounts.subpath",
        "leaves it out",
    ),
    (
        {"engine": "podman", "mounts": [{"target": "/m", "source": "vol", "labels": {"a": "b"}}]},
        "mounts.labels",
        "leaves it out",
    ),
]


@pytest.mark.parametrize(("options", "field", "message"), BAD, ids=[f"{case[1]} {n}" for n, case in enumerate(BAD)])
def test_bad_entries(options, field, message):
    with pytest.raises(EntryError) as error:
        parse(**options)
    (problem,) = error.value.problems
    assert problem.field == field
    assert message in f"{problem.problem} {problem.mend}"
    assert problem.mend


@pytest.mark.parametrize(
    ("engine", "option"),
    [
        ("docker", 'seccomp={"a": 1}'),
        ("docker", "seccomp=builtin"),
        ("podman", "seccomp=/p.json"),
        ("podman", "mask=/a"),
    ],
)
def test_security_options_that_an_engine_takes(engine, option):
    assert parse(engine=engine, security_opts=[option]).fixed["security_opts"] == [option]


WRONG_TYPES = [
    {"unknown_key": 1},
    {"state": "present"},
    {"engine": "lxc"},
    {"pull": "sometimes"},
    {"ports": {"80": 80}},
    {"env": "A=1 B"},
    {"memory": {"max": 1}, "cpus": "many"},
    {"restart_policy": "sometimes"},
    {"healthcheck": {"tset": "true"}},
    {"mounts": [{"source": "a"}]},
    {"privileged": "perhaps"},
    {"stop_timeout": "soon"},
]


@pytest.mark.parametrize("options", WRONG_TYPES, ids=str)
def test_types_are_refused_by_the_argument_spec(options):
    assert ArgumentSpecValidator(CONTAINER_OPTIONS).validate({**GOOD, **options}).error_messages


@pytest.mark.parametrize(
    ("engine", "user", "expected"),
    [
        ("podman", "app", "podman:app"),
        ("podman", "web.shop-2_x$", "podman:web.shop-2_x$"),
        ("podman", "root", "podman"),
        ("podman", None, "podman"),
        ("docker", None, "docker"),
    ],
)
def test_the_engine_of_a_user(engine, user, expected):
    container = parse(engine=engine, podman_user=user)
    assert container.engine == expected
    assert kind_of(container.engine) == engine
    assert user_of(container.engine) == (user if user != "root" else None)
    assert engine_of(kind_of(container.engine), user_of(container.engine)) == expected


def test_podmans_gaps_are_those_of_a_users_too():
    with pytest.raises(EntryError, match="Podman's API leaves it out"):
        parse(engine="podman", podman_user="app", domainname="example.com")
    with pytest.raises(EntryError, match="Podman's API takes the path"):
        parse(engine="podman", podman_user="app", security_opts=["seccomp={}"])


def test_all_problems_come_at_once():
    with pytest.raises(EntryError) as error:
        parse(name="a b", address="::", image="A", ports=[0, "9-8"], memory="x", volumes=["./a:/a"])
    fields = [p.field for p in error.value.problems]
    assert fields == ["name", "address", "image", "ports[0]", "ports[1]", "memory", "volumes[0]"]


def test_no_value_of_a_variable_is_in_a_problem():
    with pytest.raises(EntryError) as error:
        parse(env={"A": ["sesame"]}, secret_env={"B": ["sesame"], "sesame=x": "y", "C": "sesame\0"})
    assert "sesame" not in str(error.value) + str(error.value.problems)


def test_no_secret_is_in_the_repr():
    assert "sesame" not in repr(parse(secret_env={"A": "sesame"}))


def test_absent_needs_the_name_alone():
    checked = ArgumentSpecValidator(CONTAINER_OPTIONS).validate({"name": "web1", "state": "absent"})
    container = parse_container(checked.validated_parameters)
    assert (container.name, container.state, container.address) == ("web1", "absent", None)


def test_before_the_address_is_known_everything_else_is_checked():
    entry = {"name": "web1", "image": "A", "ports": [80, "80:81"]}
    with pytest.raises(EntryError) as error:
        parse_container(
            ArgumentSpecValidator(CONTAINER_OPTIONS).validate(entry).validated_parameters, address_known=False
        )
    assert [p.field for p in error.value.problems] == ["image", "ports"]
    assert "100::" not in str(error.value)


def test_ten_thousand_services_are_parsed_in_seconds():
    checked = ArgumentSpecValidator(CONTAINER_OPTIONS).validate({**GOOD, "ports": [80, 443]}).validated_parameters
    names = [parse_container({**checked, "name": f"web{i}"}).name for i in range(10_000)]
    assert names[-1] == "web9999"
