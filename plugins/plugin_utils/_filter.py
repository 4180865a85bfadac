# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of filters that join lists, as their users read them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError


def joined(name: str, function: t.Callable[..., list[dict[str, t.Any]]], *lists: t.Any) -> list[dict[str, t.Any]]:
    """What the function makes of the lists. Raises AnsibleFilterError, which begins with the filter's name."""
    try:
        return function(*lists)
    except KeyError as exc:
        text = f"{name}: {exc} is in the plan and not in the list of services. Plan again: the list has changed since."
        raise AnsibleFilterError(text) from exc
    except TypeError as exc:
        raise AnsibleFilterError(f"{name}: both lists must be of dictionaries: {exc}") from exc
