# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What module instance shows of a service."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_plan import HIDDEN
from ansible_collections.ipv6.services.plugins.module_utils._container_report import hide_secrets
from ansible_collections.ipv6.services.plugins.module_utils._service_module import ServiceModule, without_values


class InstanceModule(ServiceModule):
    services = "instances"

    @staticmethod
    def public_value(option: str, value: t.Any) -> t.Any:
        if option in ("env", "secret_env", "config"):
            return without_values(value)
        if option == "user_data" or (option == "image_server" and "@" in str(value)):  # it is refused with a user in it
            return HIDDEN if value is not None else None
        if option == "devices" and isinstance(value, dict):
            return {name: hide_secrets(device) for name, device in value.items()}
        return value
