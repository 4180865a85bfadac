# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._container_body import (
    LABEL_ADDRESS,
    LABEL_MODE,
    LABEL_NAME,
    LABEL_OPTIONS,
    create_body,
    endpoints,
    port_bindings,
    update_body,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container
from ansible_collections.ipv6.services.plugins.module_utils._engine_gaps import options_too_new
from ansible_collections.ipv6.services.plugins.module_utils._engine_sdk import sdk_mend
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

WEB1 = IPv6Address("2001:db8::201")


def container(**fields):
    return Container(
        **{"name": "web1", "engine": "docker", "state": "started", "address": WEB1, "image": "whoami", **fields}
    )


def test_create_body():
    wanted = container(
        ports=(Binding(WEB1, 443, 8443, "tcp"),),
        env={"A": "1"},
        secret_env={"B": "xyzzy"},
        limits={"cpus": 500_000_000, "memory": 64},
        fixed={
            "volumes": ["/a:/b:rw", "/c"],
            "labels": {"x": "y"},
            "etc_hosts": {"h": "::1"},
            "user": "1",
            "init": False,
        },
        networks=({"name": "a", "ipv6_address": "fd00::5", "aliases": ["w"]}, {"name": "b"}),
    )
    body = create_body(wanted, "ipv6-services", {"A": "0", "C": "3"})
    host = body["HostConfig"]
    assert body["Image"] == "whoami"
    assert sorted(body["Env"]) == ["A=1", "B=xyzzy", "C=3"]
    assert body["ExposedPorts"] == {"8443/tcp": {}}
    assert body["Volumes"] == {"/c": {}}
    assert body["User"] == "1"
    assert host["Binds"] == ["/a:/b:rw"]
    assert host["PortBindings"] == {"8443/tcp": [{"HostIp": "2001:db8::201", "HostPort": "443"}]}
    assert host["ExtraHosts"] == ["h:::1"]
    assert (host["NanoCpus"], host["Memory"], host["Init"]) == (500_000_000, 64, False)
    assert host["RestartPolicy"] == {"Name": "unless-stopped", "MaximumRetryCount": 0}
    assert host["NetworkMode"] == "a"
    assert body["NetworkingConfig"] == {
        "EndpointsConfig": {"a": {"IPAMConfig": {"IPv6Address": "fd00::5"}, "Aliases": ["w"]}}
    }
    labels = body["Labels"]
    assert (labels["x"], labels[LABEL_NAME], labels[LABEL_ADDRESS]) == ("y", "web1", "2001:db8::201")
    options = json.loads(labels[LABEL_OPTIONS])
    assert (options["env"], options["secret_env"], options["env_file"]) == (["A"], ["B"], ["A", "C"])
    assert "xyzzy" not in str(labels)


@pytest.mark.parametrize("address", ["::", "::1", "fe80::1", "ff02::1", "::ffff:192.0.2.1"])
def test_what_is_no_service_address_never_reaches_an_engine(address):
    with pytest.raises(RequestError):
        port_bindings([Binding(IPv6Address(address), 80, 80, "tcp")])


def test_podman_gets_always_and_its_own_name_of_its_network():
    wanted = container(engine="podman", networks=({"name": "bridge"},))
    body = create_body(wanted, "ipv6-services", {})
    assert body["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert endpoints(wanted, "ipv6-services") == [("podman", {})]


@pytest.mark.parametrize("mode", ["pasta", "pasta:--ipv6-only", "slirp4netns"])
def test_what_is_in_the_place_of_a_network_has_no_endpoint(mode):
    body = create_body(container(engine="podman:app"), mode, {})
    assert body["HostConfig"]["NetworkMode"] == body["Labels"][LABEL_MODE] == mode
    assert "NetworkingConfig" not in body
    assert body["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_a_network_of_a_users():
    body = create_body(container(engine="podman:app", networks=({"name": "own"},)), "pasta", {})
    assert body["HostConfig"]["NetworkMode"] == "own"
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"own": {}}}
    assert LABEL_MODE not in body["Labels"]


@pytest.mark.parametrize(
    ("limits", "options", "expected"),
    [
        ({"memory": 128}, ["memory"], {"Memory": 128, "MemorySwap": 256}),
        ({"memory": 128, "memory_swap": -1}, ["memory"], {"Memory": 128, "MemorySwap": -1}),
        ({"memory": 128, "pids_limit": 5}, ["pids_limit"], {"PidsLimit": 5}),
        ({"cpus": 10**9}, ["restart_policy"], {}),
    ],
)
def test_update_body(limits, options, expected):
    policy = {"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}}
    assert update_body(container(limits=limits), options) == {**expected, **policy}


@pytest.mark.parametrize(("api", "expected"), [("1.41", 4), ("1.43", 3), ("1.44", 1), ("1.45", 0)])
def test_options_that_an_old_docker_leaves_out(api, expected):
    fixed = {
        "healthcheck": {"Test": ["NONE"], "StartInterval": 1},
        "mounts": [{"VolumeOptions": {"Subpath": "a"}}, {"BindOptions": {"CreateMountpoint": True}}],
    }
    assert len(options_too_new(fixed, [{"name": "a", "mac_address": "02:00:00:00:00:01"}], api)) == expected


def test_an_sdk_that_does_not_fit_its_requests_is_named():
    assert "install docker 7.1 or later" in sdk_mend("7.0.0", "2.32.1")
    assert sdk_mend("7.1.0", "2.32.1") == sdk_mend("5.0.3", "2.28.1") == ""
