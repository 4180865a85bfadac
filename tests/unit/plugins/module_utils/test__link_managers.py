# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ipv6.services.plugins.module_utils import _link_managers
from ansible_collections.ipv6.services.plugins.module_utils._link_managers import (
    parse_device,
    parse_ifstate,
    parse_interfaces,
    parse_watched,
)


def test_ifstate():
    # h2$ cat /run/network/ifstate
    assert parse_ifstate("lo=lo\nt0=t0\n") == {"lo", "t0"}


def test_device():
    # h2$ cat /run/NetworkManager/devices/5
    assert parse_device("[device]\nmanaged=true\nperm-hw-addr-fake=52:A4:69:DF:D7:1B\nnm-owned=false\n")
    assert not parse_device("[device]\nmanaged=false\n")
    assert not parse_device("")


def test_a_device_that_networkmanager_only_watches_is_not_its_own():
    # h9$ cat /run/NetworkManager/system-connections/docker0.nmconnection
    made = "[connection]\nid=docker0\nuuid=7e5ec39b\n\n[.nmmeta]\nnm-generated=true\nvolatile=true\nexternal=true\n"
    assert parse_watched(made) == "7e5ec39b"
    assert parse_watched("[connection]\nid=lab\nuuid=0f1e2d3c\n") is None
    device = "[device]\nmanaged=true\nconnection-uuid=7e5ec39b\n"
    assert parse_device(device, ["0f1e2d3c"])
    assert not parse_device(device, ["0f1e2d3c", "7e5ec39b"])


def test_stanzas():
    text = "# iface no\nsource /etc/network/interfaces.d/*\nsource-directory more\nauto eth0\niface eth0 inet6 auto\n"
    assert parse_interfaces(text) == ({"eth0"}, ["/etc/network/interfaces.d/*", "more/*"])


def test_a_link_that_ifup_could_not_set_up_is_ifupdowns(monkeypatch):
    # h8$ after a boot with a late carrier: /run/network/ifstate.eth0 has an empty line
    files = {
        "/run/network/ifstate": "lo=lo",
        "/etc/network/interfaces": "source interfaces.d/*",
        "/etc/network/interfaces.d/lan": "iface eth0 inet6 auto\niface eth1 inet6 auto",
    }
    found = {
        "/run/network/ifstate.*": ["/run/network/ifstate.lo", "/run/network/ifstate.eth0", "/run/network/ifstate.eth2"],
        "/etc/network/interfaces.d/*": ["/etc/network/interfaces.d/lan"],
    }
    monkeypatch.setattr(_link_managers._kernel, "read", files.get)
    monkeypatch.setattr(_link_managers._kernel, "service_runs", lambda _name: False)
    monkeypatch.setattr(_link_managers.glob, "glob", lambda pattern: found.get(pattern, []))
    monkeypatch.setattr(_link_managers.os.path, "isdir", lambda _path: True)
    assert _link_managers.read_managers(["lo", "eth0", "eth1", "eth2"]) == {"eth0": "ifupdown"}
