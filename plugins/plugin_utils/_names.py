# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of services: what can be one, and the full name that DNS knows."""

from __future__ import annotations

import re

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)


def parse_name(value: object, domain: str | None = None, underscore: bool = False) -> str:
    """The full name of a service, in lower case and without the last dot.

    value: a name as it came from the inventory. One without a dot gets `domain` behind it; one with a dot is full.
    underscore: whether a label may have underscores, which host names have not, but names in DNS do.

    Raises RequestError.
    """
    if not isinstance(value, str):
        kind = "nothing" if value is None else f"of type {type(value).__name__}"
        raise RequestError(f"{value!r} is {kind}, not a name. Write it in quotes, as 'web1' or 'web1.example.com'.")
    full = value if "." in value or not domain else f"{value}.{domain}"
    name = full.removesuffix(".").lower()
    if not name.isascii():
        raise RequestError(f"{value!r} is not ASCII. Write it as DNS does: {_in_idna(name)}.")
    labels = name.split(".")
    for label in labels:
        reason = _not_a_label(label.replace("_", "x") if underscore else label)
        if reason:
            raise RequestError(
                f"{value!r} is no DNS name: {reason}. A label has letters, digits and inner hyphens: 'web1'."
            )
    if len(name) > 253:
        raise RequestError(f"{value!r} is no DNS name: it has {len(name)} characters, 253 are the most. Shorten it.")
    if labels[-1].isdigit():
        raise RequestError(f"{value!r} ends in a number, as an IPv4 address does. Write a name, as 'web1.example.com'.")
    return name


def parse_domain(value: object) -> str | None:
    """The domain that names without a dot get; None where there is none.

    Raises RequestError.
    """
    if value is None or value == "":
        return None
    return parse_name(value.removeprefix(".") if isinstance(value, str) else value)


def _not_a_label(label: str) -> str | None:
    if not label:
        return "a label is empty"
    if len(label) > 63:
        return f"the label {label[:20]}... has {len(label)} characters, 63 are the most"
    if not LABEL.fullmatch(label):
        return f"{label!r} can't be a label"
    return None


def _in_idna(name: str) -> str:
    """The xn-- form, by the codec of Python's library (IDNA 2003, the same for nearly all names)."""
    try:
        return repr(name.encode("idna").decode("ascii"))
    except UnicodeError:
        return "with ASCII characters only"
