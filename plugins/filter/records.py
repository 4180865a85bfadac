# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters about the records of a fleet; each has its documentation in NAME.yml beside this."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils import _record_files, _records


def _told(name: str, function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function, whose errors begin with the filter's name."""

    def called(*args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function(*args, **kwargs)
        except RequestError as exc:
            raise AnsibleFilterError(f"{name}: {exc}") from exc
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            text = f"{name}: that is not what module plan returns ({type(exc).__name__}: {exc}). Give `hosts` of its result."
            raise AnsibleFilterError(text) from exc

    return called


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "records": _told("records", _records.records),
            "zone_file": _told("zone_file", _record_files.zone_file),
            "reverse_file": _told("reverse_file", _record_files.reverse_file),
            "hosts_file": _told("hosts_file", _record_files.hosts_file),
        }
