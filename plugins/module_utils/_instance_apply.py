# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the steps of a plan: some changes at a time, all waits at once, and what was there before back on a failure."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._container_apply import NotUpError, mask
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import Api, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import NETWORK_FILE, NIC, Body, own_nic
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    KEY_NO_NAT,
    KEY_RESTART,
    Found,
    State,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import (
    Step,
    held_by,
    image_text,
    no_nat_text,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_requests import Requests
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_state import Links
from ansible_collections.ipv6.services.plugins.module_utils._instance_up import bring_up, run_again
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import DEVICE_PREFIX
from ansible_collections.ipv6.services.plugins.module_utils._instance_whose import spare_name
from ansible_collections.ipv6.services.plugins.module_utils._instance_words import (
    of_nat,
    reason,
    secrets_of,
    sentence,
    with_mend,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_write import attach, merge, source_of, unmerge

# Seconds without a sign of life after which an image counts as lost on its way.
DOWNLOAD_PATIENCE = 300
LOG_LINES = 10
# The MAC address that the engine gave the NIC.
MAC_KEY = f"volatile.{NIC}.hwaddr"
# Waiting takes no engine and next to no memory, so nearly everything can wait at once.
_MOST_WAITING = 64
# Tells the neighbours behind an interface at which MAC address an address is now.
Announce = t.Callable[[str, IPv6Address, str], None]


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


class NotWrittenError(EngineError):
    """An engine refused what an instance was to have, which it has therefore as before."""


class Applier:
    """Carries steps out on the engines that it is given."""

    def __init__(self, apis: t.Mapping[str, Api], links: Links, settings: Settings, announce: Announce) -> None:
        self._requests = Requests(apis, links, settings.threads)
        self._announce = announce
        self._timeout = settings.wait_timeout

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

    # The phases

    def _clear(self, step: Step) -> Outcome:
        """Remove what an interrupted run left, and what is not to be."""
        for leftover in step.leftovers:
            self._requests.delete_if_there(leftover)
        if step.found and step.action == "removed":
            self._requests.delete_if_there(step.found)
            return Outcome(step)
        if step.found and step.rename_back:
            step = replace(step, found=self._rename_back(step.found, _wanted(step).instance))
        return Outcome(step, step.state)

    def _rename_back(self, found: Found, name: str) -> Found:
        if found.running:
            self._requests.stop(found, found.name)
        self._requests.rename(found, found.name, name)
        found = replace(found, name=name)
        if found.running:
            self._requests.set_state(found, name, "start")
        return found

    def _make(self, step: Step) -> Outcome:
        wanted, body = _wanted(step), _body(step)
        request = {
            "name": _new_name(step),
            "type": wanted.type,
            "source": source_of(wanted),
            "config": {**body.config, **({} if late_mac(step) else kept_mac(step))},
            "devices": body.devices,
            "profiles": list(wanted.profiles),
        }
        path = path_of("instances", project=wanted.project)
        try:
            self._requests.change(wanted.engine, "POST", path, request, timeout=DOWNLOAD_PATIENCE)
        except EngineError as exc:
            text = f"{sentence(str(exc))} It was to be made of the image {image_text(wanted.image)}."
            raise EngineError(text, exc.status) from None
        return Outcome(step, step.state)

    def _start_made(self, step: Step, made: Found) -> Outcome:
        """Start what was made, under its last name: Incus 6.0 starts none that was renamed after a file in it was asked for."""
        if _body(step).network_file:
            self._requests.write_file(made, NETWORK_FILE, _body(step).network_file)
        return self._with_or_without_nat(step, made, written=True)

    def _make_room(self, step: Step) -> Outcome:
        """Give up the ports that another service gets in this call."""
        self._detach(_found(step), lambda name: name.startswith(DEVICE_PREFIX))
        return Outcome(step, step.state)

    def _detach(self, found: Found, concerns: t.Callable[[str], bool]) -> None:
        def write(current: dict[str, t.Any]) -> None:
            current["devices"] = {name: d for name, d in current["devices"].items() if not concerns(name)}

        self._requests.rewrite(found, found.name, write)

    def _finish(self, step: Step) -> Outcome:
        if step.action == "created":
            return self._start_new(step)
        return self._swap(step) if step.action == "replaced" else self._update(step)

    def _start_new(self, step: Step) -> Outcome:
        made = _made(step)
        try:
            return self._start_made(step, made)
        except EngineError as exc:
            error = self._with_log(exc, made)
        try:
            self._requests.delete_if_there(made)
        except EngineError as exc:
            error = f"{error} What was made of it could not be removed: {sentence(str(exc))}"
        raise EngineError(error)

    def _swap(self, step: Step) -> Outcome:
        """The new instance in the place of the old one, which comes back when the new one does not come up."""
        wanted, old = _wanted(step), _found(step)
        new = _made(step)
        # Projects may share a network, in which no two instances with one name can be.
        put_aside = replace(old, name=spare_name(step.name, "old")) if old.engine == wanted.engine else old
        try:
            if not old.down:
                self._requests.stop(old, old.name)
            if old.name != put_aside.name:
                self._requests.rename(old, old.name, put_aside.name)
            if new.name != wanted.instance:
                self._requests.rename(new, new.name, wanted.instance)
                new = replace(new, name=wanted.instance)
            if late_mac(step):
                self._write_mac(put_aside, None)
                self._write_mac(new, kept_mac(step)[MAC_KEY])
            outcome = self._start_made(step, new)
        except EngineError as exc:
            error = self._with_log(exc, new)
            raise EngineError(f"{error} {self._restore(step, new, old, put_aside)}") from None
        self._requests.delete_if_there(put_aside)
        return outcome

    def _write_mac(self, found: Found, mac: str | None) -> None:
        """Give an instance the MAC address, or any other."""

        def write(current: dict[str, t.Any]) -> None:
            current["config"].pop(MAC_KEY, None)
            if mac:
                current["config"][MAC_KEY] = mac

        self._requests.rewrite(found, found.name, write)

    def _restore(self, step: Step, new: Found, old: Found, put_aside: Found) -> str:
        """Undo a swap at whatever point it ended, and say in a sentence how that went."""
        try:
            self._requests.delete_if_there(new)
            if old.name != put_aside.name and self._requests.exists(old, put_aside.name):
                self._requests.rename(old, put_aside.name, old.name)
            if step.stop_early:
                self._requests.rewrite(old, old.name, lambda current: attach(current, old.devices))
            if late_mac(step):
                self._write_mac(old, kept_mac(step)[MAC_KEY])
            # One that an interrupted run put aside ran before that.
            if old.running or old.name == spare_name(step.name, "old"):
                run_again(self._requests, old)
                return "The instance that was there before runs again."
        except EngineError as exc:
            return f"The instance that was there before could not be brought back: {exc}"
        return "The instance that was there before is back."

    def _update(self, step: Step) -> Outcome:
        """Change an instance in place, with its state; what it had before is put back on a failure."""
        found = _found(step)
        try:
            if step.reattach:
                self._detach(found, lambda name: name in step.reattach)
            return self._with_or_without_nat(step, found, written=False)
        except NotWrittenError as exc:
            if not step.reattach and not step.stop_early:
                raise EngineError(f"{with_mend(exc)} It was left as it was.") from None
            raise EngineError(f"{with_mend(exc)} {self._undo(replace(step, restart=False), found)}") from None
        except EngineError as exc:
            error = self._with_log(exc, found)
            raise EngineError(f"{error} {self._undo(step, found)}") from None

    def _undo(self, step: Step, found: Found) -> str:
        """Give an instance its earlier options again, and say in a sentence how that went."""
        try:
            if step.restart or not found.running:
                self._requests.stop_if_running(found)
            self._requests.rewrite(found, found.name, lambda current: unmerge(current, found, _body(step)))
            if found.running:
                run_again(self._requests, found)
        except EngineError as exc:
            return f"Its earlier options could not be brought back: {exc}"
        return "It has its earlier options again" + (", and runs." if found.running else ".")

    # One instance

    def _with_or_without_nat(self, step: Step, found: Found, written: bool) -> Outcome:
        """The instance as wanted; without nat where the host refuses it and the entry leaves it open.

        written: it has what the step wants already, since it was made so.
        """
        try:
            return self._reach(step, found, written)
        except EngineError as exc:
            if not step.without_nat or not of_nat(exc):
                raise
            untouched = isinstance(exc, NotWrittenError)
            why = mask(reason(exc), secrets_of(_wanted(step)))
        step = replace(step, body=step.without_nat, without_nat=None, notes=(*step.notes, no_nat_text(why)))
        try:
            return self._reach(step, found, written=False, no_nat=why)
        except NotWrittenError as exc:
            raise exc if untouched else EngineError(str(exc), exc.status) from None

    def _reach(self, step: Step, found: Found, written: bool, no_nat: str | None = None) -> Outcome:
        wanted, body = _wanted(step), _body(step)

        def write(current: dict[str, t.Any]) -> None:
            merge(current, found, wanted, body)
            if step.restart:
                current["config"][KEY_RESTART] = "1"
            if no_nat:
                current["config"][KEY_NO_NAT] = no_nat
            elif wanted.nat is not None:
                current["config"].pop(KEY_NO_NAT, None)

        if not written:
            self._write(found, write)
            # One that had a NIC of its own before loses the file.
            own = "own" in (wanted.addressing, found.options.get("addressing"))
            if own and wanted.type == "container" and (step.restart or found.status != "Running"):
                self._requests.write_file(found, NETWORK_FILE, body.network_file)
        state = bring_up(self._requests, wanted, body, found, step.restart, self._timeout)
        if wanted.addressing == "own" and own_nic(wanted):
            self._tell_neighbours(found, body, [h.address for h in held_by(wanted, state) if h.usable])
        return Outcome(step, state)

    def _write(self, found: Found, write: t.Callable[[dict[str, t.Any]], None]) -> None:
        try:
            self._requests.rewrite(found, found.name, write)
        except EngineError as exc:
            if exc.status:  # else nobody knows what became of it
                raise NotWrittenError(str(exc), exc.status) from None
            raise

    def _tell_neighbours(self, found: Found, body: Body, addresses: t.Iterable[IPv6Address]) -> None:
        """Else who knew the service at another MAC address, as before it moved here, would not find it for a while."""
        try:
            mac = self._requests.config(found).get(MAC_KEY)
        except EngineError:
            return  # it is up all the same
        for address in addresses if mac else ():
            self._announce(body.devices[NIC]["parent"], address, str(mac))

    def _with_log(self, error: EngineError, found: Found) -> str:
        """The error, and what the instance or the engine wrote about it."""
        if isinstance(error, NotUpError):
            lines = [line.strip() for line in self._requests.log(found, "console").splitlines() if line.strip()]
            return f"{error} Its last lines: {' | '.join(lines[-LOG_LINES:])}." if lines else str(error)
        log = self._requests.log(found, "logs", "lxc.log")
        lines = [line for line in (row.partition(" ERROR ")[2].strip() for row in log.splitlines()) if line]
        # The first tells why, and the others that it did not go on.
        return with_mend(error) + (f" LXC said: {lines[0]}." if lines else "")


def kept_mac(step: Step) -> dict[str, str]:
    """The MAC address of the instance that is replaced, from which its address is made."""
    mac = step.found.config.get(MAC_KEY) if step.found and _wanted(step).addressing == "own" else None
    return {MAC_KEY: mac} if mac else {}


def late_mac(step: Step) -> bool:
    """Whether an instance gets the MAC address of the one that it replaces only when that has been put aside.

    No two instances on a bridge can have one MAC address, whether they run or not: the engines refuse to start either, and
    leave out what they do with the NIC when one is made or stopped.
    """
    wanted, old = _wanted(step), step.found
    return bool(kept_mac(step)) and wanted.nictype == "bridged" and old is not None and old.engine == wanted.engine


def _wanted(step: Step) -> Instance:
    return t.cast("Instance", step.wanted)


def _found(step: Step) -> Found:
    return t.cast("Found", step.found)


def _body(step: Step) -> Body:
    return t.cast("Body", step.body)


def _new_name(step: Step) -> str:
    wanted, old = _wanted(step), step.found
    # Projects may share a network, where the name is taken then, too.
    return spare_name(step.name, "new") if old and old.engine == wanted.engine else wanted.instance


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
