# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the module: parse, read, bring images, plan, apply."""

from __future__ import annotations

import os
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote

from ansible_collections.ipv6.services.plugins.module_utils._container_apply import Applier, Outcome, Settings
from ansible_collections.ipv6.services.plugins.module_utils._container_client import client_addresses
from ansible_collections.ipv6.services.plugins.module_utils._container_found import (
    Listed,
    State,
    image_id,
    parse_inspection,
    parse_list,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import (
    Group,
    Host,
    Step,
    foreign,
    group_of,
    order,
    owner_text,
    plan_purge,
    plan_service,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_refusals import network_error, unreadable
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import (
    PASTA,
    network_here,
    owner_of,
    pinned,
    place_of,
    socket_of,
    users_engines,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import (
    ENGINES,
    Container,
    EntryError,
    Problem,
    engine_of,
    parse_container,
    user_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_values import parse_env_file
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader, read_as
from ansible_collections.ipv6.services.plugins.module_utils._engine_sdk import EngineSdk

DEFAULT_NETWORK = "ipv6-services"
# Seconds without an answer.
ENGINE_TIMEOUT, STRANGER_TIMEOUT = 60, 10


@dataclass(frozen=True)
class Request:
    """The module's options."""

    entries: t.Sequence[t.Mapping[str, t.Any]]
    engine: str
    sockets: t.Mapping[str, str]  # docker, podman -> path; those of users are where systemd puts them
    network: str
    threads: int
    purge: bool
    wait_timeout: float
    pull_timeout: float
    check_mode: bool
    keep: t.Sequence[str] = ()  # names of services that a purge leaves alone as if they were in `entries`


@dataclass
class Call:
    """What one call knows so far."""

    request: Request
    wanted: list[Container] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # service -> why it is left alone
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    file_env: dict[str, dict[str, str]] = field(default_factory=dict)
    readers: dict[str, EngineReader] = field(default_factory=dict)
    listed: dict[str, tuple[Listed, ...]] = field(default_factory=dict)  # engine -> all its containers
    networks: dict[str, str] = field(default_factory=dict)  # engine -> what a container gets that names no network
    images: dict[tuple[str, str], str] = field(default_factory=dict)
    silent: dict[str, str] = field(
        default_factory=dict
    )  # engine -> what check mode can't know, since it does not answer

    def __post_init__(self) -> None:
        self._sdks: dict[str, EngineSdk | EngineError] = {}
        self._lock = threading.Lock()

    # 1. Validate

    def parse(self) -> None:
        """All entries; what is wrong with one goes into `errors` and `problems`."""
        published: dict[tuple[object, int, str], str] = {}
        for index, entry in enumerate(self.request.entries):
            name = str(entry.get("name") or f"containers[{index}]")
            try:
                container = parse_container(entry, self.request.engine)
                self._check_unique(container, published)
            except EntryError as exc:
                self._refuse(name, exc.problems)
                continue
            self.wanted.append(container)

    def engines(self) -> dict[str, str]:
        """The engine of each service in the list."""
        return {
            str(e.get("name")): engine_of(e.get("engine") or self.request.engine, e.get("podman_user"))
            for e in self.request.entries
        }

    def _check_unique(self, container: Container, published: dict[tuple[object, int, str], str]) -> None:
        """Of two with one name nobody knows which is meant, so both are refused; of two with one port the second is."""
        twins = [other.name for other in self.wanted if other.name.lower() == container.name.lower()]
        if twins:
            problem = Problem("name", container.name, "It is in the list twice.", "Take one of them out.")
            self._refuse(twins[0], [problem])
            raise EntryError([problem])
        places = {(b.address, b.port, b.protocol): b for b in container.ports}
        for place, binding in places.items():
            if place in published:
                text = f"Port {binding.port}/{binding.protocol} of {binding.address} is published by {published[place]} already."
                raise EntryError([Problem("ports", binding.port, text, "Give one of them another address or port.")])
        published.update(dict.fromkeys(places, container.name))

    def _refuse(self, name: str, problems: t.Iterable[Problem]) -> None:
        problems = tuple(problems)
        self.problems += [(name, p) for p in problems]
        self.errors[name] = str(EntryError(problems))

    # 2. Read

    def read(self) -> None:
        """The env files, the containers of all engines that are concerned, and the images that are there."""
        for container in self.wanted:
            if container.env_file and container.state != "absent" and container.env_file not in self.file_env:
                self._read_env_file(container.name, container.env_file)
        engines = self._separate_engines()
        self._read_engines(sorted({c.engine for c in self.todo()}))
        if self.request.purge or any(self._unknown_there(c) for c in self.todo()):
            # It may be on another engine: moved in the inventory, or to be purged.
            there = [engine for engine in engines if os.path.exists(self.request.sockets[engine])]
            self._read_engines([e for e in [*there, *users_engines()] if e not in self.readers])
        self._read_images()

    def _separate_engines(self) -> list[str]:
        """The engines, without Docker where its socket is Podman's; services that want it there are refused.

        The package podman-docker makes /run/docker.sock a symbolic link. Read twice, each container would be its own leftover.
        """
        docker, podman = self.request.sockets["docker"], self.request.sockets["podman"]
        if os.path.realpath(docker) != os.path.realpath(podman):
            return list(ENGINES)
        for container in self.todo():
            if container.engine == "docker":
                self.errors[container.name] = (
                    f"{docker} is Podman's socket {podman}, as the package podman-docker makes it, so no Docker is there."
                    " Give the service `engine: podman`, or install Docker in the place of that package."
                )
        return ["podman"]

    def todo(self) -> list[Container]:
        """What is wanted, of the services that have no error so far."""
        return [c for c in self.wanted if c.name not in self.errors]

    def _unknown_there(self, container: Container) -> bool:
        found = group_of(container.name, self.listed.get(container.engine, ())).current
        return found is None or (found.state != "running" and container.state == "started")

    def _read_env_file(self, service: str, path: str) -> None:
        try:
            with open(path, encoding="utf-8") as file:
                self.file_env[path] = parse_env_file(file.read())
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else str(exc)
            self._refuse(
                service, [Problem("env_file", path, f"{path} can't be read: {reason}.", "Put it on the host first.")]
            )

    def _read_engines(self, engines: t.Sequence[str]) -> None:
        for engine, answer in zip(engines, self._each(self._ask, engines)):
            if not isinstance(answer, EngineError):
                reader, listed, self.networks[engine] = answer
                self.listed[engine] = self._not_seen(listed)
                self.readers[engine] = reader
            elif self.request.check_mode and answer.nobody_there:
                # The role host would install and start it before a real run gets here.
                self.listed[engine] = ()
                self.networks[engine] = PASTA if user_of(engine) else self.request.network
                place = place_of(engine, self.request.sockets)
                self.silent[engine] = f"{engine} does not answer at {place} yet, so what it has is not known"
            else:
                self._give_up(engine, answer)

    def _ask(self, engine: str) -> tuple[EngineReader, tuple[Listed, ...], str]:
        """A connection to an engine, its containers, and its default network."""
        # Of a user that no service names, what listens there may be anything, and must not hold up the others for long.
        stranger = user_of(engine) and all(c.engine != engine for c in self.wanted)
        timeout = STRANGER_TIMEOUT if stranger else ENGINE_TIMEOUT
        reader = EngineReader(socket_of(engine, self.request.sockets), timeout, owner_of(engine))
        listed = read_as(reader, "/containers/json?all=1", partial(parse_list, engine))
        if user_of(engine) is None:
            return reader, listed, self.request.network
        return reader, listed, read_as(reader, "/version", lambda answer: network_here(answer["Version"]))

    def _give_up(self, engine: str, error: EngineError) -> None:
        for container in self.todo():
            if container.engine == engine:
                self.errors[container.name] = unreadable(engine, place_of(engine, self.request.sockets), error)

    def _not_seen(self, listed: t.Iterable[Listed]) -> tuple[Listed, ...]:
        """The containers without those that another engine listed: one engine may be reached over two sockets.

        Those of root, that is. What a user's engine says hides nothing.
        """
        seen = {c.id for engine, others in self.listed.items() for c in others if user_of(engine) is None}
        return tuple(c for c in listed if c.id not in seen)

    def _read_images(self) -> None:
        wanted = sorted({(c.engine, c.image) for c in self.todo() if c.state != "absent"})
        for key, found in zip(wanted, self._each(self._find_image, wanted)):
            if isinstance(found, EngineError):
                users = [c for c in self.todo() if (c.engine, c.image) == key and c.state != "absent"]
                self.errors.update({c.name: str(found) for c in users})
            elif found:
                self.images[key] = found

    def _find_image(self, key: tuple[str, str]) -> str | None:
        engine, image = key
        if engine in self.silent:
            return None
        try:
            return read_as(
                self.readers[engine], f"/images/{quote(image, safe='')}/json", lambda answer: image_id(answer["Id"])
            )
        except EngineError as exc:
            if exc.status == 404:
                return None
            raise

    def _each(self, function: t.Callable[[t.Any], t.Any], items: t.Sequence[t.Any]) -> list[t.Any]:
        """What the function returns for each, or the EngineError that it raises."""

        def attempt(item: t.Any) -> t.Any:
            try:
                return function(item)
            except EngineError as exc:
                return exc

        with ThreadPoolExecutor(max_workers=max(1, min(self.request.threads, len(items)))) as pool:
            return list(pool.map(attempt, items))

    # 3. Bring images, each once on each engine

    def pull(self) -> None:
        """What `pull` asks for; in check mode nothing, since an engine can't say what a pull would bring."""
        users: dict[tuple[str, str], list[Container]] = {}
        for container in self.todo():
            key = (container.engine, container.image)
            if container.state != "absent" and (container.pull == "always" or key not in self.images):
                users.setdefault(key, []).append(container)
        for (engine, image), containers in sorted(users.items()):
            for container in containers:
                if container.pull == "never" and (engine, image) not in self.images:
                    self.errors[container.name] = (
                        f"image {image} is not on {engine}, and pull is never. Load it on the host first."
                    )
        todo = sorted(key for key, cs in users.items() if any(c.pull != "never" for c in cs))
        if self.request.check_mode or not todo:
            return
        for key, error in zip(todo, self._each(self._pull_one, todo)):
            self.errors.update({c.name: str(error) for c in (users[key] if error else ())})
        self._read_images()

    def _pull_one(self, key: tuple[str, str]) -> None:
        engine, image = key
        self.sdk(engine).pull(image)

    def sdk(self, engine: str) -> EngineSdk:
        """The SDK's connection to an engine, tried once, when it is needed first. Raises EngineError."""
        with self._lock:
            if engine not in self._sdks:
                self._sdks[engine] = self._connect(engine)
            sdk = self._sdks[engine]
        if isinstance(sdk, EngineError):
            raise sdk
        return sdk

    def _connect(self, engine: str) -> EngineSdk | EngineError:
        request = self.request
        try:
            path = pinned(engine, socket_of(engine, request.sockets))
            return EngineSdk(engine, path, request.pull_timeout, request.threads)
        except EngineError as exc:
            return exc

    # 4. Plan

    def plan(self) -> list[Step]:
        """One step a service that has no error, and one for each that is purged."""
        host = Host(
            now=time.time(),
            networks=self.networks,
            images=self.images,
            file_env=self.file_env,
        )
        groups = {}
        for container in self.todo():
            stranger = foreign(container.name, self.listed[container.engine])
            if stranger:
                self.errors[container.name] = owner_text(stranger)
            else:
                groups[container.name] = self._group(container)
        states = self._read_states(groups)
        steps = [plan_service(c, groups[c.name], states.get(c.name), host) for c in self.todo()]
        steps = self._with_networks([self._without_engine(s) for s in steps])
        if self.request.purge:
            names = [*(str(entry.get("name")) for entry in self.request.entries), *self.request.keep]
            steps += plan_purge(names, [c for listed in self.listed.values() for c in listed])
        return order(steps)

    def _group(self, container: Container) -> Group:
        """The service's containers on its own engine; where there is none, those on the other one."""
        own = group_of(container.name, self.listed[container.engine])
        for engine, listed in self.listed.items():
            other = group_of(container.name, listed) if engine != container.engine else Group()
            if other.current and own.current:
                own = Group(own.current, (*own.leftovers, other.current, *other.leftovers), own.rename_back)
            elif other.current:
                own = Group(other.current, (*own.leftovers, *other.leftovers), other.rename_back)
        return own

    def _read_states(self, groups: dict[str, Group]) -> dict[str, State]:
        """The state of each service's container; one that is gone since it was listed is taken out of its group."""
        read = [c.name for c in self.todo() if groups[c.name].current and c.state != "absent"]
        states: dict[str, State] = {}
        for name, state in zip(read, self._each(lambda name: self._inspect(groups[name]), read)):
            if not isinstance(state, EngineError):
                states[name] = state
            elif state.status == 404:
                groups[name] = Group(leftovers=groups[name].leftovers)
            else:
                self.errors[name] = str(state)
        return states

    def _inspect(self, group: Group) -> State:
        found = t.cast("Listed", group.current)
        return read_as(self.readers[found.engine], f"/containers/{found.id}/json", parse_inspection)

    def _without_engine(self, step: Step) -> Step:
        """The same, or with what can't be known of it where its engine does not answer."""
        return replace(step, unknown=(self.silent[step.engine],)) if step.engine in self.silent else step

    def _with_networks(self, steps: list[Step]) -> list[Step]:
        """The steps without those that would make a container in a network that can't carry it."""
        making = [s for s in steps if s.action in ("created", "replaced")]
        for engine in sorted({s.engine for s in making} - set(self.silent)):
            mine = [s for s in making if s.engine == engine and s.container]
            try:
                networks = read_as(self.readers[engine], "/networks", lambda answer: {n["Name"]: n for n in answer})
            except EngineError as exc:
                self.errors.update({step.name: str(exc) for step in mine})
                continue
            for step in mine:
                container = t.cast("Container", step.container)
                error = network_error(container, self.networks[engine], networks, self.request.check_mode)
                if error:
                    self.errors[step.name] = error
        return [s for s in steps if s.name not in self.errors]

    def client_addresses(self) -> dict[str, str | None]:
        """Whether each service that is published sees the client's own address."""
        return client_addresses(self.todo(), self.networks, self.readers.get("docker"))

    # 5. Apply

    def apply(self, steps: t.Sequence[Step]) -> list[Outcome]:
        """What became of the steps; in check mode what would."""
        if self.request.check_mode or not any(s.changed for s in steps):
            return [Outcome(s, s.found.id if s.found else None, s.state) for s in steps]
        settings = Settings(
            networks=self.networks,
            file_env=self.file_env,
            threads=self.request.threads,
            wait_timeout=self.request.wait_timeout,
        )
        return Applier(self.sdk, self.readers, settings).apply(steps)
