# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_engines import (
    docker_ip6tables,
    docker_networks,
    firewall_backend,
    may_have_containers,
    parse_distributions,
    parse_version,
    podman_networks,
    read_rootless,
    rootless_network,
)

from .unix_server import serving


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        pytest.param({}, "26.1.5+dfsg1", False, id="off by default up to 26"),
        pytest.param({}, "28.5.2+dfsg4", True, id="on by default from 27"),
        pytest.param({"ip6tables": True}, "26.1.5", True, id="switched on"),
        pytest.param({"ip6tables": False}, "28.5.2", False, id="switched off"),
        pytest.param({}, None, None, id="not running, and nothing set"),
    ],
)
def test_docker_ip6tables(settings, version, expected):
    assert docker_ip6tables(settings, version) is expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param("dockerd\0--ip6tables=false\0", False, id="switched off"),
        pytest.param("dockerd\0--ip6tables\0", True, id="switched on"),
        pytest.param("dockerd\0--iptables=false\0-H\0fd://\0", False, id="not said: what the settings say"),
    ],
)
def test_docker_ip6tables_on_the_command_line(arguments, expected):
    assert docker_ip6tables({"ip6tables": False}, "28.5.2", arguments) is expected


def test_firewall_backend():
    assert firewall_backend({}) == "iptables"
    assert firewall_backend({"firewall-backend": "nftables"}) == "nftables"


@pytest.mark.parametrize(
    ("version", "settings", "programs", "expected"),
    [
        pytest.param("5.4.2", [], {"pasta", "slirp4netns"}, "pasta", id="pasta from Podman 5 on"),
        pytest.param("4.3.1", [], {"pasta", "slirp4netns"}, "slirp4netns", id="slirp4netns before"),
        pytest.param("5.4.2", [], {"slirp4netns"}, None, id="not installed"),
        pytest.param(None, [], {"pasta"}, None, id="no Podman"),
        pytest.param(
            "5.4.2",
            ['[network]\n#default_rootless_network_cmd = "pasta"\ndefault_rootless_network_cmd = "slirp4netns"\n'],
            {"pasta", "slirp4netns"},
            "slirp4netns",
            id="as the settings say",
        ),
    ],
)
def test_rootless_network(version, settings, programs, expected):
    assert rootless_network(version, settings, programs.__contains__) == expected


def test_parse_version():
    assert parse_version("podman version 5.4.2\n") == "5.4.2"
    assert parse_version("") is None


@pytest.mark.parametrize(
    ("lists", "settings", "expected"),
    [
        pytest.param({}, [], False, id="a Podman that nobody has used"),
        pytest.param({"containers.json": "[]"}, [], False, id="none any more"),
        pytest.param({"containers.json": '[{"id": "5b"}]'}, [], True, id="some"),
        pytest.param({"volatile-containers.json": '[{"id": "5b"}]'}, [], True, id="some that do not last"),
        pytest.param({}, ['[storage]\ngraphroot = "/srv/containers"\n'], True, id="the storage is elsewhere"),
        pytest.param({}, ['[storage]\n# graphroot = "/srv/containers"\n'], False, id="a comment says nothing"),
    ],
)
def test_may_have_containers(tmp_path, lists, settings, expected):
    store = tmp_path / "overlay-containers"
    store.mkdir()
    for name, text in lists.items():
        (store / name).write_text(text)
    assert may_have_containers(str(tmp_path), settings) is expected


def test_docker_networks_leave_out_those_that_are_none():
    # Those fields of GET /networks (API 1.45) that matter.
    listing = [
        {"Name": "none", "Driver": "null", "EnableIPv6": False},
        {"Name": "host", "Driver": "host", "EnableIPv6": False},
        {"Name": "bridge", "Driver": "bridge", "EnableIPv6": False},
        {"Name": "ipv6-services", "Driver": "bridge", "EnableIPv6": True},
    ]
    assert docker_networks(listing) == {"bridge": {"ipv6": False}, "ipv6-services": {"ipv6": True}}


def test_podman_networks():
    files = ['{"name": "v6", "id": "5b", "driver": "bridge", "ipv6_enabled": true}', "half a fi"]
    assert podman_networks(files) == {"podman": {"ipv6": False}, "v6": {"ipv6": True}}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            ["docker", "docker-7.1.0.dist-info", "requests-2.32.3.dist-info"],
            {"docker": "7.1.0", "requests": "2.32.3"},
            id="trixie",
        ),
        pytest.param(
            ["docker-5.0.3.egg-info", "requests-2.28.1.egg-info"],
            {"docker": "5.0.3", "requests": "2.28.1"},
            id="bookworm",
        ),
        pytest.param(["docker-5.0.3-py3.9.egg-info"], {"docker": "5.0.3"}, id="egg of one Python"),
        pytest.param(
            ["docker_pycreds-0.4.0.dist-info", "dockerpty-0.4.1.dist-info", "docker"], {}, id="others of similar name"
        ),
    ],
)
def test_parse_distributions(names, expected):
    assert parse_distributions(names) == expected


@pytest.fixture
def app(tmp_path):
    """A user who has containers, and whose Podman listens at `socket`."""
    store = tmp_path / ".local/share/containers/storage/overlay-containers"
    store.mkdir(parents=True)
    (store / "containers.json").write_text('[{"id": "5b"}]')
    return {"home": str(tmp_path), "uid": os.getuid(), "socket": str(tmp_path / "socket")}


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        pytest.param([{"Labels": {"ipv6.services.name": "web1"}, "State": "running"}], ["web1"], id="one of ours"),
        pytest.param([{"Labels": {"ipv6.services.name": ["web1"]}}], ["['web1']"], id="an odd name"),
        pytest.param({"message": "none"}, [], id="no list"),
        pytest.param([None], [], id="no container"),
        pytest.param([{"Labels": "ipv6.services.name"}], [], id="no labels"),
    ],
)
def test_services_of_a_user(app, answer, names):
    with serving(app["socket"], {"/containers/json": (200, answer)}):
        reading = read_rootless("app", app)
        assert [service["name"] for service in reading.services] == names
        assert list(read_rootless("app", {**app, "uid": app["uid"] + 1}).services) == []


def test_a_users_files_hold_nobody_up(app, tmp_path):
    settings = tmp_path / ".config/containers"
    settings.mkdir(parents=True)
    os.mkfifo(settings / "storage.conf")
    reader = threading.Thread(target=read_rootless, args=("app", app), daemon=True)
    reader.start()
    reader.join(5)
    assert not reader.is_alive()
