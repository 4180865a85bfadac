# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the steps of a plan: some engine calls at a time, all waits at once, and the old container back on a failure."""

from __future__ import annotations

import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.ipv6.services.plugins.module_utils._container_body import create_body, endpoints, update_body
from ansible_collections.ipv6.services.plugins.module_utils._container_found import Listed, State, parse_inspection
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import (
    HIDDEN,
    NEW_SUFFIX,
    OLD_SUFFIX,
    Change,
    Step,
    updating_changes,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_refusals import refuse_ignored, refuse_too_new
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container, user_of
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader, read_as
from ansible_collections.ipv6.services.plugins.module_utils._engine_sdk import STOP_MARGIN, EngineSdk

# A container that has run this many seconds without a restart has got over its start.
SETTLE = 0.5
LOG_LINES = 10
# Seconds that a health check may take longer than its own times say.
HEALTH_MARGIN = 5
# Seconds in which a port may still be held by a start that failed before.
_PATIENCE = 5.0
# Waiting takes no engine and next to no memory, so nearly everything can wait at once.
_MOST_WAITING = 256


class NotUpError(EngineError):
    """A started container does not run as wanted."""


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: Step
    id: str | None = None
    state: State | None = None  # as last seen
    error: str | None = None


@dataclass(frozen=True)
class Settings:
    networks: t.Mapping[str, str]  # engine -> default network
    file_env: t.Mapping[str, t.Mapping[str, str]]  # path -> its variables
    threads: int
    wait_timeout: float  # seconds, or longer where the health check's own times are


class Applier:
    """Carries steps out on the engines that it is given."""

    def __init__(
        self, sdk: t.Callable[[str], EngineSdk], readers: t.Mapping[str, EngineReader], settings: Settings
    ) -> None:
        self._sdk = sdk
        self._readers = readers
        self._settings = settings
        self._slots = threading.Semaphore(settings.threads)
        self._new: dict[str, str] = {}  # service -> id of the container made for it in this call
        self._late: dict[str, str] = {}  # service -> what went wrong without keeping it from being as wanted

    def apply(self, steps: t.Sequence[Step]) -> list[Outcome]:
        """All steps, in their order. A step that fails does not stop the others."""
        outcomes = {step.name: Outcome(step, step.found.id if step.found else None, step.state) for step in steps}
        phases: tuple[tuple[t.Callable[[Step], Outcome], t.Callable[[Step], bool]], ...] = (
            (self._clear, lambda s: s.action == "removed" or bool(s.leftovers) or s.rename_back),
            # Creating binds nothing, so it needs no order; starting does.
            (self._make, lambda s: s.action in ("created", "replaced")),
            (self._make_room, lambda s: s.stop_early),
            (self._finish, lambda s: s.action not in ("none", "removed")),
        )
        with ThreadPoolExecutor(max_workers=max(1, min(len(steps), _MOST_WAITING))) as pool:
            for phase, concerns in phases:
                todo = [s for s in steps if concerns(s) and not outcomes[s.name].error]
                for outcome in pool.map(self._guarded(phase), todo):
                    outcomes[outcome.step.name] = outcome
        for name, text in self._late.items():
            outcomes[name] = replace(outcomes[name], error=outcomes[name].error or text)
        return [outcomes[step.name] for step in steps]

    def _guarded(self, phase: t.Callable[[Step], Outcome]) -> t.Callable[[Step], Outcome]:
        def run(step: Step) -> Outcome:
            try:
                return phase(step)
            except EngineError as exc:
                return Outcome(step, error=str(exc))

        return run

    def _call(self, engine: str, method: str, *args: t.Any, **options: t.Any) -> t.Any:
        """One call that changes something, when one of the slots is free."""
        sdk = self._sdk(engine)
        with self._slots:
            return getattr(sdk, method)(*args, **options)

    def _inspect(self, engine: str, container: str) -> State:
        return read_as(self._readers[engine], f"/containers/{container}/json", parse_inspection)

    # The phases

    def _clear(self, step: Step) -> Outcome:
        for leftover in step.leftovers:
            self._clear_leftover(step, leftover)
        if step.found and step.action == "removed":
            self._remove(step.found)
            return Outcome(step)
        if step.found and step.rename_back:
            self._call(step.found.engine, "rename", step.found.id, step.name)
        return Outcome(step, step.found.id if step.found else None, step.state)

    def _clear_leftover(self, step: Step, leftover: Listed) -> None:
        try:
            self._call(leftover.engine, "remove", leftover.id, force=True)
        except EngineError as exc:
            if not _is_elsewhere(step, leftover):
                raise
            self._late[step.name] = f"Another container of it could not be removed: {exc}"

    def _remove(self, found: Listed) -> None:
        if found.state in ("running", "paused", "restarting"):
            try:
                self._stop_on(found.engine, found.id)
            except EngineError as exc:
                if exc.status != 404:  # gone since it was listed
                    raise
        self._call(found.engine, "remove", found.id, force=True)

    def _make(self, step: Step) -> Outcome:
        moved_in = step.found is not None and step.found.engine == step.engine
        new = self._create(_wanted(step), step.name + NEW_SUFFIX if moved_in else step.name)
        self._new[step.name] = new
        return Outcome(step, new)

    def _create(self, wanted: Container, name: str) -> str:
        """A new container with everything that is wanted, or none. Returns its id."""
        settings = self._settings
        if wanted.engine == "docker":
            refuse_too_new(wanted, self._sdk("docker").api_version)
        network = settings.networks[wanted.engine]
        body = create_body(wanted, network, settings.file_env.get(wanted.env_file or "", {}))
        new: str = self._call(wanted.engine, "create", name, body)
        try:
            for other, endpoint in endpoints(wanted, network)[1:]:
                self._call(wanted.engine, "connect", new, other, endpoint)
            if wanted.limits:
                refuse_ignored(wanted, self._inspect(wanted.engine, new))
        except EngineError:
            self._call(wanted.engine, "remove", new, force=True)
            raise
        return new

    def _make_room(self, step: Step) -> Outcome:
        try:
            return self._stop_found(step)
        except EngineError as exc:
            old = t.cast("Listed", step.found)
            raise EngineError(f"{exc} {self._restore(step, old, self._new[step.name], exc)}") from None

    def _stop_found(self, step: Step) -> Outcome:
        found = step.found
        if found and found.state in ("running", "paused", "restarting"):
            try:
                self._stop_on(found.engine, found.id)
            except EngineError:
                if not _is_elsewhere(step, found):
                    raise  # else the start tells whether it holds a port, and that it is still there is told at the end
        return Outcome(step, found.id if found else None)

    def _finish(self, step: Step) -> Outcome:
        finish = {
            "created": self._start_new,
            "replaced": self._swap,
            "updated": self._update,
            "started": self._start,
            "stopped": self._stop,
        }
        return finish[step.action](step)

    def _start_new(self, step: Step) -> Outcome:
        wanted, new = _wanted(step), self._new[step.name]
        if wanted.state == "stopped":
            return Outcome(step, new)
        try:
            return Outcome(step, new, self._start_and_wait(wanted, new))
        except EngineError as exc:
            error = self._with_log(exc, wanted, new)
            self._call(wanted.engine, "remove", new, force=True)
            raise EngineError(error) from None

    def _swap(self, step: Step) -> Outcome:
        """The new container in the place of the old one, which comes back when the new one does not come up."""
        wanted, new, old = _wanted(step), self._new[step.name], t.cast("Listed", step.found)
        same_engine = old.engine == wanted.engine
        state = None
        try:
            if not step.stop_early:
                self._stop_found(step)
            if same_engine:
                self._call(old.engine, "rename", old.id, step.name + OLD_SUFFIX)
                self._call(wanted.engine, "rename", new, step.name)
            if wanted.state == "started":
                state = self._start_and_wait(wanted, new)
        except EngineError as exc:
            error = self._with_log(exc, wanted, new)
            raise EngineError(f"{error} {self._restore(step, old, new, exc)}") from None
        try:
            self._call(old.engine, "remove", old.id, force=True)
        except EngineError as exc:
            text = f"It is on {step.engine}, but the container that was there before could not be removed: {exc}"
            raise EngineError(text) from None
        return Outcome(step, new, state)

    def _restore(self, step: Step, old: Listed, new: str, error: EngineError) -> str:
        """Undo a swap at whatever point `error` ended it, and say in a sentence how that went."""
        try:
            self._call(step.engine, "remove", new, force=True)
            there = read_as(
                self._readers[old.engine], f"/containers/{old.id}/json", lambda answer: answer["Name"].lstrip("/")
            )
            if there != step.name:
                self._call(old.engine, "rename", old.id, step.name)
            if old.state in ("running", "restarting"):
                self._run_again(old, maybe_stopping=error.status == 0)
                return "The container that was there before runs again."
        except EngineError as exc:
            return f"The container that was there before could not be brought back: {exc}"
        return "The container that was there before is back."

    def _run_again(self, old: Listed, maybe_stopping: bool) -> None:
        """Start it, and see that it runs.

        maybe_stopping: a stop gave no answer, and may still go on; until it has done, a start would do nothing.
        """
        state = self._inspect(old.engine, old.id)
        end = time.monotonic() + state.stop_timeout + STOP_MARGIN
        while maybe_stopping and state.running and time.monotonic() < end:
            time.sleep(0.25)
            state = self._inspect(old.engine, old.id)
        self._start_on(old.engine, old.id)
        time.sleep(SETTLE)
        state = self._inspect(old.engine, old.id)
        if not (state.running or state.restarting):
            raise NotUpError(f"{old.name} on {old.engine} stopped again, exit code {state.exit_code}.")

    def _update(self, step: Step) -> Outcome:
        wanted, found = _wanted(step), t.cast("Listed", step.found)
        try:
            self._call(found.engine, "update", found.id, update_body(wanted, step.update))
            left = [change.what for change in updating_changes(wanted, self._inspect(found.engine, found.id))]
        except EngineError:
            left = list(step.update)
        if not left:
            return Outcome(step, found.id, step.state)
        return self._replace_instead(step, Change("in place", f"{step.engine} could not change {left[0]}", "replaced"))

    def _start(self, step: Step) -> Outcome:
        wanted, found, state = _wanted(step), t.cast("Listed", step.found), t.cast("State", step.state)
        if step.update:
            outcome = self._update(step)
            if outcome.step.action == "replaced":
                return outcome
        try:
            if state.paused:
                self._call(found.engine, "unpause", found.id)
            up = self._start_and_wait(wanted, found.id, state.restarts)
        except NotUpError as exc:
            raise EngineError(self._with_log(exc, wanted, found.id)) from None
        if up.effective != frozenset(wanted.ports):
            # Seen after a bind that failed at boot; only a new container gets its ports again (DESIGN.md, fact 3).
            return self._replace_instead(step, Change("effective ports", "none after its start", "as wanted"))
        return Outcome(step, found.id, up)

    def _replace_instead(self, step: Step, change: Change) -> Outcome:
        step = replace(step, action="replaced", changes=(*step.changes, change))
        self._make(step)
        return self._swap(step)

    def _stop(self, step: Step) -> Outcome:
        found = t.cast("Listed", step.found)
        if step.update:
            outcome = self._update(step)
            if outcome.step.action == "replaced":
                return outcome
        self._stop_on(found.engine, found.id)
        return Outcome(step, found.id)

    # Starting, waiting, and what is said of a failure

    def _stop_on(self, engine: str, container: str) -> None:
        """Stop it, however long it may take to end by its own options."""
        self._call(engine, "stop", container, self._inspect(engine, container).stop_timeout)

    def _start_on(self, engine: str, container: str) -> None:
        """Start it, with some patience for a port that Podman still holds for nobody.

        The service of rootful Podman keeps the socket of a start that failed (no such program, say) until its garbage is
        collected; answering a few lists makes it do that. `ss -lntp` shows the socket with the process podman, not conmon.
        With rootless Podman pasta ends a moment after the container that it was for has stopped.
        """
        end = time.monotonic() + _PATIENCE
        while not self._started(engine, container, last=time.monotonic() > end):
            if "podman" in self._readers:
                self._readers["podman"].get("/images/json")
                self._readers["podman"].get("/containers/json?all=1")
            time.sleep(0.1)

    def _started(self, engine: str, container: str, last: bool) -> bool:
        """Whether the start worked; False when its port is taken and may soon be free."""
        try:
            self._call(engine, "start", container)
        except EngineError as exc:
            if last or "address already in use" not in str(exc).lower() or set(self._readers) <= {"docker"}:
                raise
            return False
        return True

    def _start_and_wait(self, wanted: Container, container: str, restarts: int | None = None) -> State:
        """Start it, and return its state once it is up.

        restarts: how often it was restarted before; None for a new container, whose ports have to be there too.
        Raises NotUpError.
        """
        self._start_on(wanted.engine, container)
        begin = time.monotonic()
        time.sleep(SETTLE)
        while True:
            state = self._inspect(wanted.engine, container)
            problem = not_up(wanted, state, restarts)
            if problem:
                raise NotUpError(f"{wanted.name} on {wanted.engine} {problem}.")
            if state.health != "starting":
                return state
            patience = max(self._settings.wait_timeout, state.health_time + HEALTH_MARGIN)
            if time.monotonic() > begin + patience:
                raise NotUpError(f"{wanted.name} on {wanted.engine} was not healthy after {patience:g} s.")
            time.sleep(0.25)

    def _with_log(self, error: EngineError, wanted: Container, container: str) -> str:
        """The error and the container's last lines, in which no secret is readable."""
        try:
            lines = self._call(wanted.engine, "logs", container, LOG_LINES)
        except EngineError:
            lines = []
        file_env = self._settings.file_env.get(wanted.env_file or "", {})
        text = mask(" | ".join(line.strip() for line in lines if line.strip()), secrets_of(wanted, file_env))
        return f"{error} Its last lines: {text}." if text else str(error)


def _wanted(step: Step) -> Container:
    return t.cast("Container", step.container)


def _is_elsewhere(step: Step, container: Listed) -> bool:
    """Whether it is on another engine, of a user, who may say that it has any service: that must not keep it from its own."""
    return container.engine != step.engine and user_of(container.engine) is not None


def not_up(wanted: Container, state: State, restarts: int | None) -> str | None:
    """Why a container that was started does not count as up, or None."""
    if state.restarting or state.restarts > (restarts or 0):
        return f"is in a restart loop, exit code {state.exit_code}"
    if not state.running:
        return f"stopped again, exit code {state.exit_code}{': ' + state.error if state.error else ''}"
    if state.health == "unhealthy":
        return "is unhealthy"
    if restarts is None and state.effective != frozenset(wanted.ports):
        return "runs without its ports"
    return None


def secrets_of(wanted: Container, file_env: t.Mapping[str, str]) -> list[str]:
    """Values that no message may have, longest first. Of a file the short ones are left out, such as 1 or true."""
    values = [*wanted.secret_env.values(), *(v for v in file_env.values() if len(v) >= 4)]
    return sorted({v for v in values if v}, key=lambda v: (-len(v), v))


def mask(text: str, secrets: t.Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
