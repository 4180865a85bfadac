# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter host_plan; its documentation is in host_plan.yml beside it."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils._host_plan import host_plan


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"host_plan": host_plan}
