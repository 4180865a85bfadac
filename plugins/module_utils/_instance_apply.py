# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the steps of a plan: some changes at a time, all waits at once, and what was there before back on a failure."""

from __future__ import annotations

import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._container_apply import NotUpError, mask
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import PRECONDITION_FAILED, Api, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import NIC, Body, own_nic
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    KEY_NO_NAT,
    KEY_RESTART,
    Found,
    Held,
    State,
    main_address,
    parse_state,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import Step, spare_name
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import DEVICE_PREFIX, FINGERPRINT

# An instance that has run this many seconds has got over its start.
SETTLE = 0.5
# Seconds that an instance gets to end by itself, before it is killed.
STOP_PATIENCE = 30
# Seconds without a sign of life after which an image counts as lost on its way.
DOWNLOAD_PATIENCE = 300
# Seconds that an instance may take for its address in the engine's network.
_INSIDE_PATIENCE = 20
LOG_LINES = 10
# Waiting takes no engine and next to no memory, so nearly everything can wait at once.
_MOST_WAITING = 64


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: Step
    state: State | None = None  # as last seen
    error: str | None = None


@dataclass(frozen=True)
class Settings:
    threads: int
    wait_timeout: float  # seconds for an address from the router


class Applier:
    """Carries steps out on the engines that it is given."""

    def __init__(
        self,
        apis: t.Mapping[str, Api],
        links: t.Callable[[int], t.Mapping[str, tuple[Held, ...]] | None],
        settings: Settings,
    ) -> None:
        """links: process id -> the addresses in its network namespace, or None where that can't be read."""
        self._apis = apis
        self._links = links
        self._settings = settings
        self._slots = threading.Semaphore(settings.threads)

    def apply(self, steps: t.Sequence[Step]) -> list[Outcome]:
        """All steps, in their order. A step that fails does not stop the others."""
        outcomes = {step.name: Outcome(step, step.state) for step in steps}
        phases: tuple[tuple[t.Callable[[Step], Outcome], t.Callable[[Step], bool]], ...] = (
            (self._clear, lambda s: s.action == "removed" or bool(s.leftovers) or s.rename_back),
            # A new instance is made without being started, so it needs no order; publishing does.
            (self._make, lambda s: s.action in ("created", "replaced")),
            (self._make_room, lambda s: s.stop_early),
            (self._finish, lambda s: s.action not in ("none", "removed")),
        )
        with ThreadPoolExecutor(max_workers=max(1, min(len(steps), _MOST_WAITING))) as pool:
            for phase, concerns in phases:
                todo = [o.step for o in outcomes.values() if concerns(o.step) and not o.error]
                for outcome in pool.map(self._guarded(phase), todo):
                    outcomes[outcome.step.name] = outcome
        return [outcomes[step.name] for step in steps]

    def _guarded(self, phase: t.Callable[[Step], Outcome]) -> t.Callable[[Step], Outcome]:
        def run(step: Step) -> Outcome:
            try:
                return phase(step)
            except EngineError as exc:
                secrets = secrets_of(step.wanted) if step.wanted else ()
                return Outcome(step, error=mask(str(exc), secrets))

        return run

    # Requests

    def _change(self, engine: str, method: str, path: str, body: t.Any = None, **options: t.Any) -> t.Any:
        """One change, when one of the slots is free."""
        with self._slots:
            return self._apis[engine].change(method, path, body, **options)

    def _rewrite(self, found: Found, name: str, rewrite: t.Callable[[dict[str, t.Any]], None]) -> None:
        """Change an instance that nobody else changes meanwhile; once more when somebody did."""
        path = path_of("instances", name, project=found.project)
        for last in (False, True):
            body, tag = self._apis[found.engine].get_tagged(path)
            body = {k: body[k] for k in ("architecture", "config", "devices", "profiles", "ephemeral", "description")}
            rewrite(body)
            try:
                self._change(found.engine, "PUT", path, body, etag=tag)
            except EngineError as exc:
                if last or exc.status != PRECONDITION_FAILED:
                    raise
            else:
                return

    def _set_state(self, found: Found, name: str, action: str, force: bool = False) -> None:
        body = {"action": action, "timeout": STOP_PATIENCE, "force": force}
        path = path_of("instances", name, "state", project=found.project)
        self._change(found.engine, "PUT", path, body, timeout=STOP_PATIENCE + 60)

    def _stop(self, found: Found, name: str) -> None:
        """Ask it to end, and end it when it does not."""
        try:
            self._set_state(found, name, "stop", force=found.status == "Frozen")
        except EngineError:
            if self._state(found, name).status in ("Stopped", "Error"):
                return
            self._set_state(found, name, "stop", force=True)

    def _delete(self, found: Found, name: str) -> None:
        if self._state(found, name).status not in ("Stopped", "Error"):
            self._stop(found, name)
        self._change(found.engine, "DELETE", path_of("instances", name, project=found.project))

    def _rename(self, found: Found, name: str, new: str) -> None:
        self._change(found.engine, "POST", path_of("instances", name, project=found.project), {"name": new})

    def _state(self, found: Found, name: str) -> State:
        answer = self._apis[found.engine].get(path_of("instances", name, "state", project=found.project))
        return with_links(parse_state(answer), found.type, self._links)

    # The phases

    def _clear(self, step: Step) -> Outcome:
        """Remove what an interrupted run left, and what is not to be."""
        for leftover in step.leftovers:
            self._delete_if_there(leftover)
        if step.found and step.action == "removed":
            self._delete_if_there(step.found)
            return Outcome(step)
        if step.found and step.rename_back:
            if step.found.running:
                self._stop(step.found, step.found.name)
            self._rename(step.found, step.found.name, _wanted(step).instance)
            found = replace(step.found, name=_wanted(step).instance)
            if step.found.running:
                self._set_state(found, found.name, "start")
            step = replace(step, found=found)
        return Outcome(step, step.state)

    def _delete_if_there(self, found: Found) -> None:
        try:
            self._delete(found, found.name)
        except EngineError as exc:
            if exc.status != 404:  # gone since it was listed
                raise

    def _make(self, step: Step) -> Outcome:
        self._create(step, _new_name(step), _body(step))
        return Outcome(step, step.state)

    def _create(self, step: Step, name: str, body: Body) -> None:
        wanted = _wanted(step)
        request = {
            "name": name,
            "type": wanted.type,
            "source": source_of(wanted),
            "config": {**body.config, **kept_mac(step)},
            "devices": body.devices,
            "profiles": list(wanted.profiles),
        }
        path = path_of("instances", project=wanted.project)
        self._change(wanted.engine, "POST", path, request, timeout=DOWNLOAD_PATIENCE)

    def _make_room(self, step: Step) -> Outcome:
        """Give up the ports that another service gets in this call."""
        found = t.cast("Found", step.found)

        def without_proxies(body: dict[str, t.Any]) -> None:
            body["devices"] = {n: d for n, d in body["devices"].items() if not n.startswith(DEVICE_PREFIX)}

        self._rewrite(found, found.name, without_proxies)
        return Outcome(step, step.state)

    def _finish(self, step: Step) -> Outcome:
        finish = {
            "created": self._start_new,
            "replaced": self._swap,
            "updated": self._update,
            "started": self._update,
            "stopped": self._update,
        }
        return finish[step.action](step)

    def _start_new(self, step: Step) -> Outcome:
        made = _made(step)
        try:
            return self._bring_up(step, made)
        except EngineError as exc:
            error = self._with_log(exc, made)
            self._delete_if_there(made)
            raise EngineError(error) from None

    def _swap(self, step: Step) -> Outcome:
        """The new instance in the place of the old one, which comes back when the new one does not come up."""
        wanted, old = _wanted(step), t.cast("Found", step.found)
        new = _made(step)
        same_place = (old.engine, old.project) == (wanted.engine, wanted.project)
        put_aside = replace(old, name=spare_name(step.name, "old")) if same_place else old
        try:
            if old.status not in ("Stopped", "Error"):
                self._stop(old, old.name)
            if same_place:
                self._rename(old, old.name, put_aside.name)
                self._rename(new, new.name, wanted.instance)
                new = replace(new, name=wanted.instance)
            outcome = self._bring_up(step, new)
        except EngineError as exc:
            error = self._with_log(exc, new)
            raise EngineError(f"{error} {self._restore(step, new, old, put_aside)}") from None
        self._delete_if_there(put_aside)
        return outcome

    def _restore(self, step: Step, new: Found, old: Found, put_aside: Found) -> str:
        """Undo a swap at whatever point it ended, and say in a sentence how that went."""
        try:
            self._delete_if_there(new)
            names = [old.name] if old.name == put_aside.name else [put_aside.name, old.name]
            for name in names:
                if self._apis[old.engine].find(path_of("instances", name, project=old.project)):
                    if name != old.name:
                        self._rename(old, name, old.name)
                    break
            if step.stop_early:
                self._rewrite(old, old.name, lambda body: body.update(devices=_copied(old.devices)))
            if old.running:
                self._run_again(old)
                return "The instance that was there before runs again."
        except EngineError as exc:
            return f"The instance that was there before could not be brought back: {exc}"
        return "The instance that was there before is back."

    def _run_again(self, old: Found) -> None:
        if not self._state(old, old.name).running:
            self._set_state(old, old.name, "start")
        time.sleep(SETTLE)
        if not self._state(old, old.name).running:
            raise NotUpError(f"{old.name} on {old.engine} stopped again.")

    def _update(self, step: Step) -> Outcome:
        """Change an instance in place, with its state; what it had before is put back on a failure."""
        found = t.cast("Found", step.found)
        try:
            self._write_body(step, found, _body(step))
            return self._bring_up(step, found)
        except EngineError as exc:
            error = self._with_log(exc, found)
            raise EngineError(f"{error} {self._undo(found)}") from None

    def _undo(self, found: Found) -> str:
        """Give an instance its earlier options again, and say in a sentence how that went."""

        def earlier(body: dict[str, t.Any]) -> None:
            body["devices"], body["profiles"] = _copied(found.devices), list(found.profiles)
            volatile = {k: v for k, v in body["config"].items() if k.startswith("volatile.")}
            body["config"] = {**{k: v for k, v in found.config.items() if not k.startswith("volatile.")}, **volatile}

        try:
            if self._state(found, found.name).running:
                self._stop(found, found.name)
            self._rewrite(found, found.name, earlier)
            if found.running:
                self._run_again(found)
        except EngineError as exc:
            return f"Its earlier options could not be brought back: {exc}"
        return "It has its earlier options again" + (", and runs." if found.running else ".")

    def _write_body(self, step: Step, found: Found, body: Body, no_nat: str | None = None) -> None:
        """Everything that this collection sets, and nothing that others set."""
        wanted = _wanted(step)
        if step.reattach:

            def detach(current: dict[str, t.Any]) -> None:
                current["devices"] = {n: d for n, d in current["devices"].items() if n not in step.reattach}

            self._rewrite(found, found.name, detach)

        def write(current: dict[str, t.Any]) -> None:
            merge(current, found, wanted, body)
            if step.restart:
                current["config"][KEY_RESTART] = "1"
            if no_nat:
                current["config"][KEY_NO_NAT] = no_nat
            elif wanted.nat is not None:
                current["config"].pop(KEY_NO_NAT, None)

        self._rewrite(found, found.name, write)

    # Starting and waiting

    def _bring_up(self, step: Step, found: Found) -> Outcome:
        """The instance in the state that is wanted; without nat where the host refuses it and the entry leaves it open."""
        try:
            return Outcome(step, self._reach_state(step, found))
        except EngineError as exc:
            if not step.without_nat or not of_nat(exc):
                raise
            why = mask(str(exc), secrets_of(_wanted(step)))
        step = replace(step, body=step.without_nat, without_nat=None, notes=(*step.notes, no_nat_text(why)))
        self._write_body(replace(step, reattach=()), found, _body(step), no_nat=" ".join(why.split())[:300])
        return Outcome(step, self._reach_state(step, found))

    def _reach_state(self, step: Step, found: Found) -> State:
        wanted = _wanted(step)
        state = self._state(found, found.name)
        if wanted.state == "stopped":
            if state.status not in ("Stopped", "Error"):
                self._stop(found, found.name)
            return State("Stopped")
        if step.restart and state.running:
            self._stop(found, found.name)
            state = self._state(found, found.name)
        begun = not state.running
        if begun:
            self._set_state(found, found.name, "unfreeze" if state.status == "Frozen" else "start")
        state = self._wait_up(step, found, begun)
        if step.restart or KEY_RESTART in found.config:
            self._rewrite(found, found.name, lambda body: body["config"].pop(KEY_RESTART, None))
        return state

    def _wait_up(self, step: Step, found: Found, begun: bool) -> State:
        """The state once the instance runs and has its address. Raises NotUpError."""
        wanted = _wanted(step)
        if begun:
            time.sleep(SETTLE)
        patience = self._settings.wait_timeout if wanted.addressing == "own" else _INSIDE_PATIENCE
        end = time.monotonic() + patience
        while True:
            state = self._state(found, found.name)
            if not state.running:
                raise NotUpError(f"{wanted.name} on {wanted.engine} stopped again.")
            lack = lacking(wanted, _body(step), state)
            if not lack:
                return state
            if time.monotonic() > end or lack.final:
                raise NotUpError(f"{wanted.name} on {wanted.engine} {lack.text}")
            time.sleep(0.25)

    def _with_log(self, error: EngineError, found: Found) -> str:
        """The error, and the last lines that the instance or the engine wrote about it."""
        lines = []
        for parts in (("console",), ("logs", "lxc.log")):
            try:
                text = self._apis[found.engine].text(path_of("instances", found.name, *parts, project=found.project))
            except EngineError:
                continue
            lines = [line.strip() for line in text.splitlines() if line.strip() and " WARN " not in line]
            if lines:
                break
        return f"{error} Its last lines: {' | '.join(lines[-LOG_LINES:])}." if lines else str(error)


class Lack(t.NamedTuple):
    """What an instance lacks of being up."""

    text: str
    final: bool = False  # waiting does not help


def lacking(wanted: Instance, body: Body, state: State) -> Lack | None:
    """Why a running instance is not up yet, or None. The text follows its name."""
    held = state.of(NIC) if own_nic(wanted) else tuple(h for hs in state.addresses.values() for h in hs)
    address: IPv6Address | None = wanted.address if wanted.addressing == "own" else body.inside if body.nat else None
    if wanted.addressing == "own" and not address:
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
    if not address or not own_nic(wanted) or (mine and mine.usable):
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


def of_nat(error: EngineError) -> bool:
    """Whether an error is about a proxy device of ours, or the address that nat needs."""
    return DEVICE_PREFIX in str(error) or "which nat needs" in str(error)


def no_nat_text(why: str) -> str:
    return f"published without nat, which hides the client's address: {why}"


def source_of(wanted: Instance) -> dict[str, str]:
    """Where the engine takes the image from."""
    image = wanted.image
    source = {"type": "image", "fingerprint" if FINGERPRINT.fullmatch(image.name) else "alias": image.name}
    if image.server:
        source.update({"mode": "pull", "server": image.server, "protocol": image.protocol})
    return source


def kept_mac(step: Step) -> dict[str, str]:
    """The MAC address of the instance that is replaced, from which its address is made."""
    key = f"volatile.{NIC}.hwaddr"
    mac = step.found.config.get(key) if step.found and _wanted(step).addressing == "own" else None
    return {key: mac} if mac else {}


def merge(current: dict[str, t.Any], found: Found, wanted: Instance, body: Body) -> None:
    """Write a body over what an instance has; what an earlier call set and is not wanted any more goes."""
    old = found.options
    keys, names = old.get("config") or (), old.get("devices") or ()
    current["config"] = {**{k: v for k, v in current["config"].items() if k not in keys}, **body.config}
    current["devices"] = {**{n: d for n, d in current["devices"].items() if n not in names}, **_copied(body.devices)}
    current["profiles"] = list(wanted.profiles)


def with_links(state: State, kind: str, links: t.Callable[[int], t.Mapping[str, tuple[Held, ...]] | None]) -> State:
    """The state with what only the network namespace shows: whether addresses are tentative or duplicates."""
    read = links(state.pid) if state.pid and kind == "container" else None
    return replace(state, addresses=read) if read is not None else state


def secrets_of(wanted: Instance) -> list[str]:
    """Values that no message may have, longest first. Of config the short ones are left out, such as 1 or true."""
    values = [*wanted.secret_env.values(), *(v for v in wanted.config.values() if len(v) >= 8)]
    if wanted.user_data:
        values += [wanted.user_data, *(line for line in wanted.user_data.splitlines() if len(line) >= 8)]
    return sorted({v for v in values if v}, key=lambda v: (-len(v), v))


def _copied(devices: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {name: dict(device) for name, device in devices.items()}


def _wanted(step: Step) -> Instance:
    return t.cast("Instance", step.wanted)


def _body(step: Step) -> Body:
    return t.cast("Body", step.body)


def _new_name(step: Step) -> str:
    wanted, old = _wanted(step), step.found
    taken = old is not None and (old.engine, old.project) == (wanted.engine, wanted.project)
    return spare_name(step.name, "new") if taken else wanted.instance


def _made(step: Step) -> Found:
    """The instance that was made for a step, as the list would have it."""
    wanted, body = _wanted(step), _body(step)
    return Found(
        engine=wanted.engine,
        project=wanted.project,
        name=_new_name(step),
        status="Stopped",
        type=wanted.type,
        config=body.config,
        devices=body.devices,
        profiles=wanted.profiles,
    )
