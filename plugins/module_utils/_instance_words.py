# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine said of a change that it refused, as the result has it."""

from __future__ import annotations

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import DEVICE_PREFIX


def with_mend(error: EngineError) -> str:
    """What an engine said, with what to do about it where that is known."""
    text = sentence(str(error))
    if "cannot assign requested address" not in text:
        return text
    return (
        f"{text} The host has not that address: give it to the host by ipv6.services.address, and let engines start before"
        " their addresses are there by the role ipv6.services.host."
    )


def sentence(text: str) -> str:
    """What an engine said, with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def of_nat(error: EngineError) -> bool:
    """Whether an error is about a proxy device of ours, or the address that nat needs."""
    return DEVICE_PREFIX in str(error) or "which nat needs" in str(error)


def reason(error: EngineError) -> str:
    """What the engine said, without the request, on one line."""
    text = " ".join(str(error).split())
    return (text.partition(".socket: ")[2] or text)[:300]


def secrets_of(wanted: Instance) -> list[str]:
    """Values that no message may have, longest first. Of config the short ones are left out, such as 1 or true."""
    values = [*wanted.secret_env.values(), *(v for v in wanted.config.values() if len(v) >= 8)]
    if wanted.user_data:
        values += [wanted.user_data, *(line for line in wanted.user_data.splitlines() if len(line) >= 8)]
    return sorted({v for v in values if v}, key=lambda v: (-len(v), v))
