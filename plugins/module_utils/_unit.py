# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of systemd that set service addresses and routed prefixes at boot, where no network manager does."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import Run, output

_UNITS = "/etc/systemd/system"
_WANTS = f"{_UNITS}/multi-user.target.wants"
ROUTED_PREFIXES = "ipv6-services-routed-prefixes.service"
_IP = ("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip")
_HEADER = """\
# The module ipv6.services.address of Ansible wrote this file, and removes it with the last entry of the list that it reads.
"""
# Without udev, as in a container, there is no device unit to wait for. A link without carrier doesn't hold up the boot: its
# addresses stay tentative, and come when the carrier does.
_ADDRESSES = """\
[Unit]
Description=IPv6 service addresses on {link}
After=network-pre.target networking.service NetworkManager.service systemd-networkd.service
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
# The link may come late.
ExecStartPre=/bin/sh -c 'for i in $$(seq 300); do [ -e /sys/class/net/{link} ] && exit; sleep 0.1; done; exit 1'
ExecStart={ip} -6 -force -batch {file}
# Nothing can bind to an address before its duplicate address detection is over.
ExecStartPost=-/bin/sh -c 'for i in $$(seq 60); do \\
    {ip} -6 -o addr show dev {link} tentative -dadfailed | grep -q . || exit 0; sleep 0.1; done'

[Install]
WantedBy=multi-user.target
"""
_PREFIXES = """\
[Unit]
Description=IPv6 prefixes routed to this host
After=network-pre.target
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
# Lets programs bind to an address that is on no interface.
ExecStart=/bin/sh -c 'echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind'
ExecStart={ip} -6 -force -batch {file}

[Install]
WantedBy=multi-user.target
"""


def addresses_unit(link: str) -> str:
    """The name of the unit for a link."""
    return f"ipv6-services-addresses-{link}.service"


def render_addresses(link: str, ip: str) -> str:
    """ip: the path of that program."""
    return _HEADER + _ADDRESSES.format(link=link, ip=ip, file=_address_marks.batch_file(link, True))


def render_prefixes(ip: str) -> str:
    """ip: the path of that program."""
    return _HEADER + _PREFIXES.format(ip=ip, file=_address_marks.prefix_file(True))


def ip_path() -> str:
    """Where the program `ip` is: the same at each run, whatever PATH says."""
    return next((path for path in _IP if os.path.exists(path)), "ip")


def nameable(link: str) -> bool:
    """Whether the link's name means itself in a unit: not one of those with `%`, `@` or a quote."""
    return re.fullmatch(r"[A-Za-z0-9_.:-]+", link) is not None


class Units:
    """The program `systemctl`, through the module's run_command."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self, names: t.Iterable[str]) -> dict[str, str | None]:
        """Unit -> its text; None when there is none, and "" when it is not enabled."""
        texts = {name: _kernel.read(f"{_UNITS}/{name}") for name in names}
        return {
            name: text and (f"{text}\n" if os.path.islink(f"{_WANTS}/{name}") else "") for name, text in texts.items()
        }

    def write(self, wanted: t.Mapping[str, str | None]) -> None:
        """Make them so. A unit is enabled but not started, since what it does is done already.

        wanted: unit -> its text, or None when it has to go. Raises CommandError and OSError.
        """
        for name, text in wanted.items():
            if text is not None:
                _address_marks.write(f"{_UNITS}/{name}", text)
                output(self._run, ["systemctl", "enable", "--quiet", name])
            else:
                output(self._run, ["systemctl", "disable", "--quiet", "--now", name])
                _address_marks.remove(f"{_UNITS}/{name}")
                output(self._run, ["systemctl", "daemon-reload"])
