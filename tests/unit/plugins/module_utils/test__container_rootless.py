# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import pwd
import socket
from types import SimpleNamespace

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _container_rootless
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import (
    has_default_route,
    mode_of,
    owner_of,
    pinned,
    place_of,
    rootless_network,
    socket_of,
    users_engines,
)
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError

# /proc/net/route of a trixie host of the lab, and what a router's default route adds to it.
BRIDGE_ONLY = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
WITH_DEFAULT = BRIDGE_ONLY + "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
HALF = BRIDGE_ONLY + "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000080\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("version", "routes", "pasta", "expected"),
    [
        pytest.param("5.4.2", WITH_DEFAULT, True, "pasta", id="Podman 5 on a host with IPv4"),
        pytest.param("5.4.2", BRIDGE_ONLY, True, "pasta:--ipv6-only", id="without a default route of IPv4"),
        pytest.param("5.4.2", "", True, "pasta:--ipv6-only", id="on a kernel without IPv4"),
        pytest.param("5.8.6-dev", WITH_DEFAULT, False, "pasta", id="pasta is missing, which its error says"),
        pytest.param("4.9.3", WITH_DEFAULT, True, "pasta", id="Podman 4.9 with pasta"),
        pytest.param("4.9.3", WITH_DEFAULT, False, "slirp4netns", id="Podman 4.9 without"),
        pytest.param("4.3.1", WITH_DEFAULT, True, "slirp4netns", id="Podman 4.3 knows no pasta"),
        pytest.param("odd", WITH_DEFAULT, True, "slirp4netns", id="no version"),
    ],
)
def test_what_a_container_gets_that_names_no_network(version, routes, pasta, expected):
    assert rootless_network(version, routes, pasta) == expected


@pytest.mark.parametrize(
    ("routes", "expected"), [(BRIDGE_ONLY, False), (WITH_DEFAULT, True), (HALF, False), ("", False)]
)
def test_default_route(routes, expected):
    assert has_default_route(routes) == expected


@pytest.mark.parametrize(
    ("network", "mode"),
    [("pasta:--ipv6-only", "pasta"), ("slirp4netns", "slirp4netns"), ("ipv6-services", None), ("pastafarian", None)],
)
def test_mode(network, mode):
    assert mode_of(network) == mode


SOCKETS = {"docker": "/run/docker.sock", "podman": "/run/podman/podman.sock"}


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host whose user `app` is the one who runs the tests, and who has `gone`, whose name is not known any more."""
    uid = os.getuid() or 1000
    monkeypatch.setattr(_container_rootless, "RUN", str(tmp_path))
    real = os.lstat
    owners = {}

    def lstat(path):
        found = real(path)
        return SimpleNamespace(st_mode=found.st_mode, st_uid=owners.get(str(path), uid))

    def by_name(name):
        if name != "app":
            raise KeyError(name)
        return SimpleNamespace(pw_uid=uid)

    def by_uid(number):
        if number != uid:
            raise KeyError(number)
        return SimpleNamespace(pw_name="app")

    monkeypatch.setattr(os, "lstat", lstat)
    monkeypatch.setattr(pwd, "getpwnam", by_name)
    monkeypatch.setattr(pwd, "getpwuid", by_uid)

    def make(number=uid, owner=None):
        place = tmp_path / str(number) / "podman"
        place.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(place / "podman.sock"))
        owners[str(place / "podman.sock")] = uid if owner is None else owner
        return place / "podman.sock"

    return SimpleNamespace(make=make, uid=uid, run=tmp_path)


def test_sockets(host):
    assert socket_of("docker", SOCKETS) == "/run/docker.sock"
    assert socket_of("podman", SOCKETS) == "/run/podman/podman.sock"
    assert socket_of("podman:app", SOCKETS) == f"{host.run}/{host.uid}/podman/podman.sock"


def test_a_user_who_is_not_there_is_like_a_socket_that_is_not(host):
    with pytest.raises(EngineError, match="no user nobody") as error:
        socket_of("podman:nobody", SOCKETS)
    assert error.value.number == errno.ENOENT
    assert error.value.nobody_there
    assert place_of("podman:nobody", SOCKETS) == f"{host.run}/UID/podman/podman.sock"


def test_nobody_has_an_engine(host):
    assert users_engines() == []
    host.run.rmdir()
    assert users_engines() == []


def test_users_with_a_socket(host):
    host.make()
    host.make(4242)  # whose name is not known
    (host.run / "systemd").mkdir()
    assert users_engines() == ["podman:app"]


def test_a_socket_of_somebody_elses_is_not_the_users(host):
    host.make(owner=0)
    assert users_engines() == []


def test_a_link_to_a_socket_is_not_followed(host):
    other = host.make(4242)
    place = host.run / str(host.uid) / "podman"
    place.mkdir(parents=True)
    (place / "podman.sock").symlink_to(other)
    assert users_engines() == []


def test_the_owner_of_an_engine(host):
    assert owner_of("docker") is None
    assert owner_of("podman:app") == host.uid


def test_a_pinned_socket_stays_what_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", lambda _: SimpleNamespace(pw_uid=os.getuid()))
    path, other = tmp_path / "own", tmp_path / "other"
    with socket.socket(socket.AF_UNIX) as own, socket.socket(socket.AF_UNIX) as roots:
        own.bind(str(path))
        own.listen()
        roots.bind(str(other))
        place = pinned("podman:app", str(path))
        path.unlink()
        path.symlink_to(other)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
        with pytest.raises(EngineError):
            pinned("podman:app", str(path))


@pytest.mark.parametrize("uid", [0, 4711])
def test_a_socket_of_another_is_not_the_users(tmp_path, monkeypatch, uid):
    monkeypatch.setattr(pwd, "getpwnam", lambda _: SimpleNamespace(pw_uid=os.getuid() + 1 + uid))
    with socket.socket(socket.AF_UNIX) as roots:
        roots.bind(str(tmp_path / "roots"))
    with pytest.raises(EngineError, match="no socket of app's own"):
        pinned("podman:app", str(tmp_path / "roots"))


def test_no_socket_at_all_is_one_that_is_not_there_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", lambda _: SimpleNamespace(pw_uid=os.getuid()))
    with pytest.raises(EngineError) as error:
        pinned("podman:app", str(tmp_path / "none"))
    assert error.value.nobody_there
