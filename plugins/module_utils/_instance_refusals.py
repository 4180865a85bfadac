# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a service can't be had on a host, and what to do about it."""

from __future__ import annotations

import errno

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance


def unreadable(engine: str, path: str, error: EngineError) -> str:
    """Why nothing is known of an engine, with the mend where there is one."""
    if error.nobody_there:
        return (
            f"{engine} does not answer at {path}: {error}. Install and start it, as the role ipv6.services.host does."
        )
    mend = " Only root can use it: set `become: true`." if error.number in (errno.EACCES, errno.EPERM) else ""
    return f"{engine} at {path} can't be asked for its instances: {error}.{mend}"


def host_has_text(wanted: Instance) -> str:
    return (
        f"address {wanted.address} is on the host itself (see `ip -6 address`), so the instance can't have it too. Take it"
        " from the host, as ipv6.services.address does with `state: absent`, or give the service another."
    )


def image_text(instance: Instance) -> str:
    return (
        f"image {instance.image.name} is not in the store of {instance.engine}, in the project {instance.project}."
        " Import it first, or name the server that has it as image_server."
    )
