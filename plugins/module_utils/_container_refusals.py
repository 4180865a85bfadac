# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a container can't be made, or an engine can't be asked, each with the mend."""

from __future__ import annotations

import errno
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_body import endpoints
from ansible_collections.ipv6.services.plugins.module_utils._container_found import State
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import updating_changes
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import mode_of
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container, user_of
from ansible_collections.ipv6.services.plugins.module_utils._engine_gaps import options_too_new
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError


def unreadable(engine: str, place: str, error: EngineError) -> str:
    """Why nothing is known of an engine, with the mend where there is one. `place`: its socket."""
    user = user_of(engine)
    if error.nobody_there:
        mend = (
            f"The role ipv6.services.host with `podman_user: {user}` gives {user} what it needs: lingering and podman.socket."
            if user
            else "Install and start it, as the role ipv6.services.host does."
        )
        return f"{engine} does not answer at {place}: {error}. {mend}"
    mend = " Only root can use it: set `become: true`." if error.number in (errno.EACCES, errno.EPERM) else ""
    return f"{engine} at {place} can't be asked for its containers: {error}.{mend}"


def network_error(
    container: Container, default: str, networks: t.Mapping[str, t.Mapping[str, t.Any]], check_mode: bool
) -> str | None:
    """Why a container can't be made in its networks, or None.

    default: of its engine. In check mode it may be missing, since the role host makes it before a real run gets here.
    """
    if mode_of(default) and not container.networks:
        return None
    for name, _endpoint in endpoints(container, default):
        network = networks.get(name) or (networks.get("bridge") if name == "podman" else None)
        if network is None and not (check_mode and name == default):
            user = user_of(container.engine)
            mend = f"Make it first{f' as {user}' if user else ''}"
            mend = "Run the role ipv6.services.host, which makes it" if name == default else mend
            return f"network {name} is not on {container.engine}. {mend}, or name another."
        if network and container.engine == "podman" and container.ports and not network.get("EnableIPv6"):
            return f"network {name} of podman has no IPv6, so no request would be answered. Name one made with --ipv6."
    return None


def refuse_too_new(wanted: Container, api: str) -> None:
    for option, version in options_too_new(wanted.fixed, wanted.networks, api).items():
        raise EngineError(
            f"{option} of {wanted.name}: docker here has API {api}, and would leave it out. It needs {version}."
        )


def refuse_ignored(wanted: Container, state: State) -> None:
    """Engines discard a limit that the host's kernel can't keep, with no more than a warning."""
    ignored = [c.what for c in updating_changes(wanted, state) if c.what in wanted.limits]
    if ignored:
        raise EngineError(
            f"{', '.join(ignored)} of {wanted.name}: {wanted.engine} can't do it on this host, whose kernel has no such limit"
            " (see `docker info`, cgroup). Leave it out."
        )
