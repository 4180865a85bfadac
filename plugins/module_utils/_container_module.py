# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What module container shows of a service."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_report import hide_secrets
from ansible_collections.ipv6.services.plugins.module_utils._service_module import ServiceModule, without_values


class ContainerModule(ServiceModule):
    services = "containers"

    @staticmethod
    def public_value(option: str, value: t.Any) -> t.Any:
        if option in ("env", "secret_env"):
            return without_values(value)
        return hide_secrets(value) if option in ("log_options", "log_opt") else value
