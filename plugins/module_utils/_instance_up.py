# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings an instance up, and says what it lacks of it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_apply import NotUpError
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import Body
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    DOWN,
    KEY_RESTART,
    Found,
    State,
    main_address,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import held_by, of_router, static_address
from ansible_collections.ipv6.services.plugins.module_utils._instance_requests import Requests
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance

# An instance that has run this many seconds has got over its start.
SETTLE = 0.5
# Seconds after a start in which what manages the network in an image may still take away an address that LXC gave.
SETTLE_STATIC = 3.0
# Seconds that an instance may take for its address in the engine's network.
_INSIDE_PATIENCE = 20


def bring_up(requests: Requests, wanted: Instance, body: Body, found: Found, restart: bool, timeout: float) -> State:
    """The state of an instance once it is as wanted: stopped, or running with its address.

    restart: it may run, and has to start again. timeout: seconds for an address of its own.
    Raises EngineError.
    """
    state = requests.state(found, found.name)
    if wanted.state == "stopped":
        if state.status not in DOWN:
            requests.stop(found, found.name)
        return State("Stopped")
    if restart and state.status not in DOWN:
        requests.stop(found, found.name)
        state = requests.state(found, found.name)
    if not state.running:
        requests.set_state(found, found.name, "unfreeze" if state.status == "Frozen" else "start")
        time.sleep(SETTLE_STATIC if wanted.addressing == "own" and wanted.address else SETTLE)
    state = wait_up(requests, wanted, body, found, timeout)
    if restart or KEY_RESTART in found.config:
        requests.rewrite(found, found.name, lambda current: current["config"].pop(KEY_RESTART, None))
    return state


def wait_up(requests: Requests, wanted: Instance, body: Body, found: Found, timeout: float) -> State:
    """The state once it runs and has its address. Raises NotUpError."""
    end = time.monotonic() + (timeout if wanted.addressing == "own" else _INSIDE_PATIENCE)
    while True:
        state = requests.state(found, found.name)
        if not state.running:
            raise NotUpError(f"{wanted.name} on {wanted.engine} stopped again.")
        lack = lacking(wanted, body, state)
        if not lack:
            return state
        if lack.final or time.monotonic() > end:
            raise NotUpError(f"{wanted.name} on {wanted.engine} {lack.text}")
        time.sleep(0.25)


def run_again(requests: Requests, old: Found) -> None:
    """Start an instance that ran before, and see that it does. Raises NotUpError."""
    if not requests.state(old, old.name).running:
        requests.set_state(old, old.name, "start")
    time.sleep(SETTLE)
    if not requests.state(old, old.name).running:
        raise NotUpError(f"{old.name} on {old.engine} stopped again.")


class Lack(t.NamedTuple):
    """What an instance lacks of being up."""

    text: str
    final: bool = False  # waiting does not help


def lacking(wanted: Instance, body: Body, state: State) -> Lack | None:
    """Why a running instance is not up yet, or None. The text follows its name."""
    held, address = held_by(wanted, state), static_address(wanted, body)
    if of_router(wanted):
        if main_address(held):
            return None
        twice = [str(h.address) for h in held if h.duplicate]
        if twice:
            return Lack(f"took {twice[0]}, which another host of the LAN has already (DAD failed).")
        return Lack(
            "got no address from a router's advertisement. See that a router of the LAN sends some with a prefix for SLAAC,"
            " or give it a static address."
        )
    mine = next((h for h in held if h.address == address), None)
    if not address or (mine and mine.usable):
        return None
    if mine and mine.duplicate:
        text = f"can't have {address}: another host of the LAN has it already (DAD failed). Give it another address."
        return Lack(text, final=True)
    if wanted.addressing == "own":
        return Lack(
            f"did not keep its address {address}. What manages the network in the image took it away, or never gave it:"
            " take an image with cloud-init, or `address: auto`."
        )
    return Lack(f"did not keep its address {address} in the engine's network, which nat needs.")
