# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `address` installs on a host that runs by itself: units of systemd, and scripts of network managers.

The units set service addresses and routed prefixes at boot where no network manager does, and take away what another host has.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks, _duplicate_watch, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import Run, output

_UNITS = "/etc/systemd/system"
_WANTS = f"{_UNITS}/multi-user.target.wants"
ROUTED_PREFIXES = "ipv6-services-routed-prefixes.service"
DUPLICATES = "ipv6-services-duplicates.service"
WATCH = "/etc/ipv6-services/watch-duplicates"  # a script that DUPLICATES runs
_PYTHON = "/usr/bin/python3"
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
ConditionPathExists={file}

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


_DUPLICATES = """\
[Unit]
Description=Takes IPv6 service addresses that another host has off this one
StartLimitIntervalSec=0

[Service]
ExecStart={python} -I {script}
Restart=on-failure
RestartSec=5
SyslogIdentifier=ipv6-services
CapabilityBoundingSet=CAP_NET_ADMIN CAP_DAC_OVERRIDE
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=yes
RestrictAddressFamilies=AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native

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


def render_duplicates() -> str:
    python = _PYTHON if os.path.exists(_PYTHON) else sys.executable
    return _HEADER + _DUPLICATES.format(python=python, script=WATCH)


def render_watch() -> str:
    """The script: a file of the collection as it is, wherever Ansible has put it."""
    return inspect.getsource(_duplicate_watch)


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
        """Unit, or path of a file -> its text; None when there is none, and "" when it doesn't run at boot or at all."""
        return {name: _read(name) for name in names}

    def write(self, wanted: t.Mapping[str, str | None]) -> None:
        """Make them so. A unit that sets addresses is enabled but not started, since what it does is done already.

        wanted: unit, or path of a file -> its text, or None when it has to go. Raises CommandError and OSError.
        """
        # A unit or a drop-in goes before the script that it runs, and comes after it.
        for name in sorted((name for name, text in wanted.items() if text is None), key=_is_script):
            if not name.startswith("/"):
                output(self._run, ["systemctl", "disable", "--quiet", "--now", name])
            _address_marks.remove(_path(name))
        for name in sorted((name for name, text in wanted.items() if text is not None), key=_is_script, reverse=True):
            _address_marks.write(_path(name), str(wanted[name]), 0o755 if _is_script(name) else 0o644)
            if not name.startswith("/"):
                output(self._run, ["systemctl", "enable", "--quiet", name])
        if any(name.endswith((".conf", ".service")) for name in wanted):
            output(self._run, ["systemctl", "daemon-reload"])
        if wanted.get(DUPLICATES) or wanted.get(WATCH):
            output(self._run, ["systemctl", "restart", DUPLICATES])


def _is_script(name: str) -> bool:
    return name.startswith("/") and not name.endswith((".conf", ".json"))


def _path(name: str) -> str:
    return name if name.startswith("/") else f"{_UNITS}/{name}"


def _read(name: str) -> str | None:
    text = _kernel.read(_path(name))
    return text and (f"{text}\n" if _runs(name) else "")


def _runs(name: str) -> bool:
    if name.startswith("/"):
        return os.access(name, os.X_OK) or not _is_script(name)
    return os.path.islink(f"{_WANTS}/{name}")
