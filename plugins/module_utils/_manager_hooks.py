# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What NetworkManager and ifupdown run when they have set up a link: scripts that set its service addresses.

NetworkManager can't be given deprecated addresses: those in a connection are preferred again with each advertisement of a router
(DESIGN.md, fact 19), and `device reapply` takes all addresses off the link for a moment, the host's own too. What its
dispatcher sets it leaves alone until a connection is activated or reapplied, and then the dispatcher sets it again. No connection
is changed. ifupdown would take a second for each stanza (fact 5). It gives up where there is no carrier for 6 s (fact 39), and
then a drop-in of the units that call it runs the script.
"""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks

_DISPATCHER = "/etc/NetworkManager/dispatcher.d"
_IF_UP = "/etc/network/if-up.d/ipv6-services"
_SCRIPTS = {
    # NetworkManager is not done with a connection, and the host not online, before what is in pre-up.d has ended.
    "networkmanager": (f"{_DISPATCHER}/90-ipv6-services", f"{_DISPATCHER}/pre-up.d/90-ipv6-services"),
    "ifupdown": (_IF_UP,),
}
# ifup@ is for links that come later, those with `allow-hotplug`.
_DROP_INS = tuple(f"/etc/systemd/system/{unit}.service.d/ipv6-services.conf" for unit in ("networking", "ifup@"))
_WHEN = {
    "networkmanager": "link=$1\ncase $2 in pre-up | up | reapply) ;; *) exit 0 ;; esac\n",
    "ifupdown": "link=$IFACE\n",
}
_SCRIPT = """\
#!/bin/sh
# The module ipv6.services.address of Ansible wrote this file, and removes it with the last address that it sets.
{when}\
found=
for file in {files}; do
    [ -e "$file" ] || continue
    found=yes
    {ip} -6 -force -batch "$file"
done
[ "$found" ] || exit 0
# Nothing can bind to an address before its duplicate address detection is over.
for i in $(seq 60); do
    {ip} -6 -o addr show dev "$link" tentative -dadfailed | grep -q . || exit 0
    sleep 0.1
done
exit 0
"""
_DROP_IN = f"""\
# The module ipv6.services.address of Ansible wrote this file, and removes it with the last address that ifupdown sets.
# When ifup fails, as it does after 6 s without a carrier, it runs nothing of if-up.d.
[Service]
ExecStopPost=-/bin/sh -c '[ "$$SERVICE_RESULT" = success ] || for link in /sys/class/net/*; do \\
    IFACE="$${{link##*/}}" {_IF_UP}; done'
"""


def paths() -> list[str]:
    return [*(path for scripts in _SCRIPTS.values() for path in scripts), *_DROP_INS]


def render(backends: t.Collection[str], ip: str) -> dict[str, str | None]:
    """Path -> the script or drop-in, or None when it has to go.

    backends: of all service addresses. ip: the path of that program.
    """
    files = " ".join(_address_marks.batch_file('"$link"', persistent) for persistent in (True, False))
    scripts = {
        path: _SCRIPT.format(when=_WHEN[backend], files=files, ip=ip) if backend in backends else None
        for backend, scripts in _SCRIPTS.items()
        for path in scripts
    }
    return {**scripts, **dict.fromkeys(_DROP_INS, _DROP_IN if "ifupdown" in backends else None)}
