# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units that put an engine's firewall rules back when somebody else has taken them away.

`nft flush ruleset` takes everybody's rules, and nftables.service does it at each start. No engine notices.
"""

from __future__ import annotations

HEADER = "# Made by the Ansible collection ipv6.services (role host).\n"
WATCHER = "/etc/systemd/system/ipv6-services-rules-{}.service"  # of an engine

# What waits for a burst of changes to the firewall to end, and then sees to the rules. `read -t` is why it is bash. Of news that
# came too fast `nft monitor` only says `# ERROR: We lost some netlink events!`.
_WATCHER = """\
{header}# Somebody who flushes the firewall takes the rules of {title} along. This unit puts them back.
[Unit]
Description=Rules of {title}, put back when the firewall is flushed
After=nftables.service

[Service]
RuntimeDirectory=%N
WorkingDirectory=%t/%N
ExecStart=/bin/bash -c '\\
    ready() {{ {ready}; }}; ready; \\
    nft monitor {objects} | while read -r line; do \\
        [[ $$line = {event}* || $$line = "# ERROR"* ]] || continue; \\
        while read -rt 0.5 line; do :; done; \\
        ready || {{ echo "The rules of {title} are gone, and put back."; {mend}; }}; \\
    done'
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
"""
# Incus and LXD make an instance's rules when it starts, and at no other time: keep what they have made, and load that.
_OF_INSTANCES = {
    "ready": "nft list table inet {0} >new 2>/dev/null && mv new rules",
    "objects": "chains",
    "event": '*" chain inet {0} "',
    "mend": "nft -f rules",
}
# Podman can be told. netavark makes its rules with nftables or, in older releases, with ip6tables.
_OF_PODMAN = {
    "ready": "nft list table inet netavark || ip6tables -w -S NETAVARK_FORWARD",
    "objects": "tables",
    "event": '"delete table "',
    "mend": "podman network reload --all",
}


def watcher(engine: str) -> str:
    """The unit that puts the rules of "podman", "incus" or "lxd" back."""
    if engine == "podman":
        text = {**_OF_PODMAN, "title": "Podman", "ready": f"({_OF_PODMAN['ready']}) >/dev/null 2>&1"}
    else:
        text = {key: value.format(engine) for key, value in _OF_INSTANCES.items()}
        text["title"] = {"incus": "Incus", "lxd": "LXD"}[engine]
    return _WATCHER.format(header=HEADER, **text)
