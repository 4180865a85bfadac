# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drop-ins for systemd, without which services stay down after a boot or an upgrade that went well by itself."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils._host_watcher import HEADER

Json = t.Mapping[str, t.Any]

_NAME = "ipv6-services.conf"
PODMAN_DROP_IN = f"/etc/systemd/system/podman-restart.service.d/{_NAME}"
# Of all users, in root's directory: in a home its owner could turn what root writes elsewhere.
USER_DROP_IN = f"/etc/systemd/user/podman-restart.service.d/{_NAME}"
INCUS_DROP_IN = f"/etc/systemd/system/incus.service.d/{_NAME}"
LXD_DROP_IN = f"/etc/systemd/system/lxd.service.d/{_NAME}"
TMPFILES = f"/etc/tmpfiles.d/{_NAME}"
# Beside the one with the firewall rules, which is for every Docker that stands in another engine's way.
DOCKER_RETRY_DROP_IN = "/etc/systemd/system/docker.service.d/ipv6-services-retry.conf"
RETRY_UNIT = "/etc/systemd/system/ipv6-services-retry.service"
USER_MANAGER_DROP_IN = f"/etc/systemd/system/user@.service.d/{_NAME}"

# Stopping this unit stops every container, and Debian's packages stop it for an upgrade, 5.4 and later without starting it again.
_PODMAN = f"""\
{HEADER}# An upgrade of Podman would stop this unit, and every container with it. It stops when the host does.
[Unit]
RefuseManualStop=yes
"""
# A user's units start before the network is there (DESIGN.md, fact 9), and network managers call a host online without its
# link. What pasta finds when it starts is all that a container ever has.
_USERS = f"""\
{HEADER}# Users' containers bind to addresses that come with the network, and take over its routes once.
[Unit]
Wants=podman-user-wait-network-online.service
After=podman-user-wait-network-online.service

[Service]
ExecStartPre=-/bin/sh -c 'for i in $$(seq 300); do ip -6 route show default | grep -q . && exit; sleep 0.2; done'
"""
# On a host without Docker nothing may want that target, and who waits for it does so for 90 s.
_USER_MANAGER = f"""\
{HEADER}# Users' containers wait for the network at boot, so that somebody has to ask for it.
[Unit]
Wants=network-online.target
"""
_DOCKER_RETRY = f"""\
{HEADER}# Docker tries a container once when it starts.
[Unit]
Wants=ipv6-services-retry.service
"""
# dockerd clears the error of a container that has run, so whatever somebody has stopped has none. Systemd turns \173 and \175
# into the braces of Docker's template, which Ansible would take for its own.
_FAILED = "{{if .State.Error}}{{.HostConfig.RestartPolicy.Name}} {{.Id}}{{end}}"
_FAILED = _FAILED.replace("{", r"\173").replace("}", r"\175")
_RETRY = f"""\
{HEADER}# A start that failed for a passing reason, as a port that somebody held, is tried again for a minute.
[Unit]
Description=Docker's services whose start failed
After=docker.service

[Service]
ExecStart=/bin/sh -c '\\
    for pause in 1 2 4 8 15 30; do \\
        failed=$$(docker ps -aq --filter label=ipv6.services.name --filter status=created --filter status=exited | \\
            xargs -r docker inspect -f "{_FAILED}" | \\
            sed -nE "s/^(always|unless-stopped) //p"); \\
        [ -n "$$failed" ] || exit 0; \\
        docker start $$failed; \\
        sleep $$pause; \\
    done'
"""
# Incus 6.0 gives its bridge up for a minute when a link goes away while it lists them, as those of starting containers do.
_INSTANCES = f"""\
{HEADER}# It fails to set up its bridge when other engines make and remove links meanwhile.
[Unit]
After=docker.service podman-restart.service
"""
# Where the process is one of its own threads, the daemon kills itself, and its unit hangs for ten minutes.
_STALE = f"""\
{HEADER}# Incus and LXD kill what has the process id that their dnsmasq had before the boot (canonical/lxd#18888).
r! /var/lib/incus/networks/*/dnsmasq.pid
r! /var/lib/lxd/networks/*/dnsmasq.pid
r! /var/snap/lxd/common/lxd/networks/*/dnsmasq.pid
"""


def drop_ins(facts: Json, engines: t.Collection[str], rootless: t.Collection[str]) -> dict[str, str]:
    """By path, the contents that the host has not.

    engines: those that the host itself runs. rootless: who runs containers without root.
    """
    wanted: dict[str, str] = {}
    if _installed(facts, engines, "podman"):
        wanted[PODMAN_DROP_IN] = _PODMAN
    if _installed(facts, engines, "docker"):
        wanted.update({DOCKER_RETRY_DROP_IN: _DOCKER_RETRY, RETRY_UNIT: _RETRY})
    # Podman before 5 has no unit that waits, and no pasta.
    if rootless and (facts["engines"].get("podman") or {}).get("user_wait_unit"):
        wanted.update({USER_DROP_IN: _USERS, USER_MANAGER_DROP_IN: _USER_MANAGER})
    if _installed(facts, engines, "incus"):
        wanted[INCUS_DROP_IN] = _INSTANCES
    if _installed(facts, engines, "lxd") and not facts["engines"]["lxd"]["socket"].startswith("/var/snap/"):
        wanted[LXD_DROP_IN] = _INSTANCES
    if _installed(facts, engines, "incus") or _installed(facts, engines, "lxd"):
        wanted[TMPFILES] = _STALE
    return {path: text for path, text in wanted.items() if facts["files"].get(path, "").strip() != text.strip()}


def _installed(facts: Json, engines: t.Collection[str], engine: str) -> bool:
    return engine in engines and bool((facts["engines"].get(engine) or {}).get("installed"))
