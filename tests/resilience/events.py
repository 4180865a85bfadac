# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host goes through. Each event returns the moment from which the seconds count."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from functools import partial

from machine import cable, give_back, late_carrier, on_host, packages, power_cycle, put, suite_of, take

LATE = 8  # seconds that the carrier comes late
TRANSMITS = 4  # of duplicate address detection, one a second
ENGINES = ["docker.io", "containerd", "podman", "netavark", "passt", "slirp4netns", "incus", "incus-base", "lxd"]

# What there is of each engine, one after the other. Rootless Podman has no daemon, but the user's systemd.
RESTART = """
for unit in docker podman.socket incus lxd; do
    ! systemctl --quiet is-active "$unit" || systemctl restart "$unit"
done
for user in $(ls /var/lib/systemd/linger 2>/dev/null); do systemctl restart "user@$(id -u "$user")"; done
"""
MANAGERS = {
    "networkd": "networkctl reload; systemctl restart systemd-networkd",
    "networkmanager": "nmcli connection reload; nmcli device reapply eth0; systemctl restart NetworkManager",
    "ifupdown": "systemctl restart networking",
    "none": "",
}
SLOW = "/etc/sysctl.d/99-resilience.conf"


@dataclass(frozen=True)
class Host:
    name: str
    manager: str
    taken: tuple[str, ...] = ()  # addresses that another host takes in the event `duplicate`


@dataclass(frozen=True)
class Event:
    name: str
    title: str  # of its row
    text: str  # what is done, for the page
    make: t.Callable[[Host], float]
    undo: t.Callable[[Host], object] = lambda host: None  # noqa: ARG005
    boots: bool = True  # so that the seconds count from ssh's answer

    def happens(self, host: Host) -> bool:
        return self.name != "manager" or bool(MANAGERS[host.manager])


def reboot(host: Host) -> float:
    return power_cycle(host.name)


def lose_power(host: Host) -> float:
    return power_cycle(host.name, verb="crash")


def reboot_without_carrier(host: Host) -> float:
    return power_cycle(host.name, partial(late_carrier, host.name, LATE))


def reboot_with_slow_detection(host: Host) -> float:
    on_host(host.name, f"echo net.ipv6.conf.eth0.dad_transmits={TRANSMITS} >{SLOW}")
    return power_cycle(host.name)


def detect_quickly(host: Host) -> None:
    on_host(host.name, f"rm -f {SLOW}; sysctl -qw net.ipv6.conf.eth0.dad_transmits=1")


def reboot_beside_duplicates(host: Host) -> float:
    return power_cycle(host.name, partial(take, list(host.taken)))


def end_duplicates(host: Host) -> None:
    give_back(list(host.taken))


def restart_engines(host: Host) -> float:
    on_host(host.name, RESTART)
    return time.time()


def reinstall_engines(host: Host) -> float:
    there = on_host(host.name, "dpkg-query -W -f '${db:Status-Status} ${Package}\\n'").splitlines()
    wanted = [name for name in ENGINES if f"installed {name}" in there]
    on_host(host.name, "mkdir -p /root/debs")
    for file in packages(suite_of(host.name), wanted):
        put(host.name, file, "/root/debs")
    on_host(
        host.name,
        "DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /root/debs/*.deb; rm -r /root/debs",
        timeout=300,
    )
    return time.time()


def restart_manager(host: Host) -> float:
    # in a unit of its own: the connection over which it is asked for may end with it
    on_host(host.name, f"systemd-run --quiet --wait --collect bash -c '{MANAGERS[host.manager]}'")
    return time.time()


def flush_rules(host: Host) -> float:
    on_host(host.name, "nft flush ruleset")
    return time.time()


def rename(host: Host) -> float:
    on_host(host.name, f"hostnamectl set-hostname other-{host.name}")
    return power_cycle(host.name)


def name_as_before(host: Host) -> None:
    on_host(host.name, f"hostnamectl set-hostname {host.name}")


def reboot_without_registry(host: Host) -> float:
    on_host(host.name, "echo ::1 registry.example.com >>/etc/hosts")
    return power_cycle(host.name)


def reach_registry(host: Host) -> None:
    on_host(host.name, "sed -i '/registry.example.com/d' /etc/hosts")


EVENTS = (
    Event("reboot", "orderly reboot", "`systemctl reboot`", reboot),
    Event("power", "power loss", "the host's processes are killed at once, its disk stays as it is", lose_power),
    Event(
        "restart",
        "engines restarted",
        "`systemctl restart` of `docker`, `podman.socket`, `incus`, and of the rootless user's `user@UID`",
        restart_engines,
        boots=False,
    ),
    Event(
        "upgrade",
        "engines upgraded",
        "the engines' packages are installed anew from Debian's mirror with `dpkg -i`",
        reinstall_engines,
        boots=False,
    ),
    Event(
        "manager",
        "network manager restarted",
        "its configuration is loaded anew, then its service is restarted",
        restart_manager,
        boots=False,
    ),
    Event("flush", "`nft flush ruleset`", "all rules of the host's firewall are gone", flush_rules, boots=False),
    Event(
        "carrier",
        f"carrier {LATE} s late",
        f"a reboot with the other end of its link down for {LATE} s",
        reboot_without_carrier,
        lambda host: cable(host.name, "up"),
    ),
    Event(
        "dad",
        "slow duplicate address detection",
        f"a reboot with `dad_transmits={TRANSMITS}`, so that an address takes {TRANSMITS} to {TRANSMITS + 1} s",
        reboot_with_slow_detection,
        detect_quickly,
    ),
    Event("rename", "host renamed", "`hostnamectl set-hostname`, and a reboot", rename, name_as_before),
    Event(
        "registry",
        "registry unreachable",
        "a reboot with the registry's name leading nowhere",
        reboot_without_registry,
        reach_registry,
    ),
    Event(
        "duplicate",
        "an address taken meanwhile",
        "while the host is down another one takes the address of the second service of each way. The cell is of the first one."
        " The second one must stay down, and the host's journal must name its address",
        reboot_beside_duplicates,
        end_duplicates,
    ),
)
