# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the module: parse, read, plan, apply."""

from __future__ import annotations

import os
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.ipv6.services.plugins.module_utils._container_spec import EntryError, Problem
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import Api, IncusApi, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_apply import (
    Applier,
    Outcome,
    Settings,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import (
    FullError,
    Network,
    nat_refusal,
    own_nic,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    Found,
    State,
    main_address,
    taken_addresses,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_host import HostReader, parse_network
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import (
    Host,
    Step,
    held_by,
    of_router,
    plan_purge,
    plan_service,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_ports import (
    Place,
    clashes,
    order,
    place_text,
    places_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_refusals import (
    image_text,
    refusals,
    unknown_of,
    unreadable,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import (
    INSTANCE_ENGINES,
    Instance,
    parse_instance,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_state import Key, read_instances, read_state
from ansible_collections.ipv6.services.plugins.module_utils._instance_up import lacking
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import FINGERPRINT
from ansible_collections.ipv6.services.plugins.module_utils._instance_whose import (
    Group,
    foreign,
    group_of,
    names_of,
    owner_text,
)

DEFAULT_NETWORKS = {"incus": "ipv6-incus", "lxd": "ipv6-lxd"}
# Debian's package and the snap.
LXD_SOCKETS = ("/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket")
_READERS = 8


@dataclass(frozen=True)
class Request:
    """The module's options."""

    entries: t.Sequence[t.Mapping[str, t.Any]]
    engine: str
    sockets: t.Mapping[str, str]  # engine -> path
    network: str | None
    interface: str | None
    threads: int
    purge: bool
    wait_timeout: float
    check_mode: bool
    keep: t.Sequence[str] = ()  # names of services that a purge leaves alone as if they were in `entries`

    def network_of(self, engine: str) -> str:
        return self.network or DEFAULT_NETWORKS[engine]


def lxd_socket(given: str | None) -> str:
    """The socket that was named, or the first that is there."""
    return given or next((path for path in LXD_SOCKETS if os.path.exists(path)), LXD_SOCKETS[0])


@dataclass
class Call:
    """What one call knows so far."""

    request: Request
    host: HostReader
    connect: t.Callable[[str], Api] = IncusApi
    wanted: list[Instance] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # service -> why it is left alone
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    apis: dict[str, Api] = field(default_factory=dict)
    listed: list[Found] = field(default_factory=list)  # everything on all engines that are concerned
    silent: dict[str, str] = field(default_factory=dict)  # engine -> what check mode can't know of it
    unread: dict[Key, str] = field(default_factory=dict)  # instances of which nobody knows whose they are, and why

    # 1. Validate

    def parse(self) -> None:
        """All entries; what is wrong with one goes into `errors` and `problems`."""
        taken: dict[Place, tuple[str, bool]] = {}
        for index, entry in enumerate(self.request.entries):
            name = str(entry.get("name") or f"instances[{index}]")
            try:
                instance = parse_instance(entry, self.request.engine)
                self._check_unique(instance, taken)
            except EntryError as exc:
                self._refuse(name, exc.problems)
                continue
            self.wanted.append(instance)

    def engines(self) -> dict[str, str]:
        """The engine of each service in the list, and of each instance that nothing is known of."""
        unread = {name: engine for engine, _project, name in self.unread}
        return {**unread, **{str(e.get("name")): e.get("engine") or self.request.engine for e in self.request.entries}}

    def _check_unique(self, instance: Instance, taken: dict[Place, tuple[str, bool]]) -> None:
        """Of two with one name nobody knows which is meant, so both are refused; of two with one port the second is."""
        twins = [other.name for other in self.wanted if other.instance.lower() == instance.instance.lower()]
        if twins:
            same = twins[0].lower() == instance.name.lower()
            text = (
                "It is in the list twice."
                if same
                else f"The service {twins[0]} has the instance {instance.instance} too."
            )
            problem = Problem("name", instance.name, text, "Take one of them out." if same else "Rename one of them.")
            self._refuse(twins[0], [problem])
            raise EntryError([problem])
        for place, mine in places_of(instance).items():
            clash = taken.get(place)
            if clash and (mine or clash[1]):
                text = f"{place_text(place)} is that of {clash[0]} already."
                raise EntryError([Problem("address", str(instance.address), text, "Give one of them another.")])
        taken.update({place: (instance.name, mine) for place, mine in places_of(instance).items()})

    def _refuse(self, name: str, problems: t.Iterable[Problem]) -> None:
        problems = tuple(problems)
        self.problems += [(name, p) for p in problems]
        self.errors[name] = str(EntryError(problems))

    def todo(self) -> list[Instance]:
        """What is wanted, of the services that have no error so far."""
        return [i for i in self.wanted if i.name not in self.errors]

    # 2. Read

    def read(self) -> None:
        """The instances of all engines that are concerned."""
        for engine in sorted({i.engine for i in self.todo()}):
            self._read_engine(engine)
        known = {found.service for found in self.listed}
        if self.request.purge or any(i.name not in known for i in self.todo()):
            # It may be on the other engine: moved in the inventory, or to be purged.
            for engine in INSTANCE_ENGINES:
                if (
                    engine not in self.apis
                    and engine not in self.silent
                    and os.path.exists(self.request.sockets[engine])
                ):
                    self._read_engine(engine)
        self._refuse_unread()

    def _refuse_unread(self) -> None:
        """Leave alone what may be an instance of which nothing is known; for a purge that may be any."""
        for (_engine, _project, name), text in self.unread.items():
            mine = [i for i in self.todo() if name in names_of(i.name)]
            self.errors.update({i.name: text for i in mine})
            if self.request.purge and not mine:
                self.errors.setdefault(name, text)

    def _read_engine(self, engine: str) -> None:
        path = self.request.sockets[engine]
        api = self.connect(path)
        try:
            listed, unread = read_instances(api, engine)
        except EngineError as exc:
            if self.request.check_mode and exc.nobody_there:
                # The role host would install and start it before a real run gets here.
                self.silent[engine] = f"{engine} does not answer at {path} yet, so what it has is not known"
                return
            for instance in self.todo():
                if instance.engine == engine:
                    self.errors[instance.name] = unreadable(engine, path, exc)
            return
        self.apis[engine] = api
        self.listed += listed
        self.unread.update(unread)

    def _each(self, function: t.Callable[[t.Any], t.Any], items: t.Sequence[t.Any]) -> list[t.Any]:
        """What the function returns for each, or the EngineError that it raises."""

        def attempt(item: t.Any) -> t.Any:
            try:
                return function(item)
            except EngineError as exc:
                return exc

        with ThreadPoolExecutor(max_workers=max(1, min(_READERS, len(items)))) as pool:
            return list(pool.map(attempt, items))

    # 3. Plan

    def plan(self) -> list[Step]:
        """One step a service that has no error, and one for each that is purged."""
        groups: dict[str, Group] = {}
        for instance in self.todo():
            stranger = foreign(instance, self.listed)
            if stranger:
                self.errors[instance.name] = owner_text(stranger)
            else:
                groups[instance.name] = group_of(instance, self.listed)
        states = self._read_states(groups)
        hosts = {engine: self._read_host(engine) for engine in sorted({i.engine for i in self.todo()})}
        steps = self._plan_each(groups, states, hosts)
        if self.request.purge:
            names = [*(str(entry.get("name")) for entry in self.request.entries), *self.request.keep]
            steps += plan_purge(names, self.listed)
        listeners = next((host.listeners for host in hosts.values() if host.listeners), frozenset())
        addresses = self.host.addresses()
        steps = [s for s in steps if s.name not in self.errors]  # the others keep their ports
        self.errors.update(clashes(steps, self.listed, listeners, {h.address for h in addresses if h.usable}))
        held = {h.address for h in addresses}
        self.errors.update(refusals(steps, () if self.request.check_mode else held))
        steps = [s for s in steps if s.name not in self.errors]
        return order([replace(s, unknown=(*s.unknown, *unknown_of(s, held))) for s in steps])

    def _plan_each(
        self, groups: t.Mapping[str, Group], states: t.Mapping[str, State], hosts: t.Mapping[str, Host]
    ) -> list[Step]:
        steps = []
        for instance in self.todo():
            host = hosts[instance.engine]
            try:
                step = self._plan_one(instance, groups[instance.name], states.get(instance.name), host)
            except FullError as exc:
                self.errors[instance.name] = str(exc)
                continue
            steps.append(step)
            if step.body and step.body.inside:
                host.taken.add(step.body.inside)
        return steps

    def _plan_one(self, wanted: Instance, group: Group, state: State | None, host: Host) -> Step:
        step = plan_service(wanted, group, state, host)
        # To start one again does not help against a silent router.
        lack = lacking(wanted, step.body, state) if step.body and state and of_router(wanted) else None
        if lack and step.action == "none":
            self.errors[wanted.name] = f"{wanted.name} on {wanted.engine} {lack.text}"
        unknown = self.silent.get(wanted.engine)
        made_of_own = step.action in ("created", "replaced") and wanted.image.server is None
        if made_of_own and not unknown and (wanted.project, wanted.image.name) not in host.images:
            self.errors[wanted.name] = image_text(wanted)
        return replace(step, unknown=(unknown,)) if unknown else step

    def _read_states(self, groups: dict[str, Group]) -> dict[str, State]:
        """The state of each service's instance that runs."""
        running = [i for i in self.todo() if i.state == "started" and (groups[i.name].current or _NOBODY).running]
        states = {}
        for instance, state in zip(running, self._each(lambda i: self._read_state(i, groups[i.name]), running)):
            if isinstance(state, EngineError):
                self.errors[instance.name] = str(state)
            else:
                states[instance.name] = state
        return states

    def _read_state(self, wanted: Instance, group: Group) -> State:
        """The state, when it has the address of the router that it may still wait for, as after a reboot."""
        found = t.cast("Found", group.current)
        end = time.monotonic() + self.request.wait_timeout
        while True:
            state = read_state(self.apis[found.engine], self.host.addresses_in, found)
            waits = of_router(wanted) and found.options.get("addressing") == "own" and state.running
            if not waits or main_address(held_by(wanted, state)) or time.monotonic() > end:
                return state
            time.sleep(0.25)

    def _read_host(self, engine: str) -> Host:
        """What the plan has to know of an engine, and errors of the services that can't be made there."""
        mine = [i for i in self.todo() if i.engine == engine and i.state != "absent"]
        network = Network(self.request.network_of(engine))
        images: dict[tuple[str, str], str | None] = {}
        nics: dict[tuple[str, str], tuple[str, ...]] = {}
        chains = None
        if engine in self.apis and mine:
            api = self.apis[engine]
            network = self._read_network(api, engine)
            images = self._read_images(api, mine)
            nics = self._read_profiles(api, mine)
            chains = self._read_chains(api, engine)
        for instance in mine:
            self._check_host(instance, network)
        return Host(
            network=network,
            link=lambda instance: self.host.link(instance.parent or self.request.interface, instance.nictype),
            taken=taken_addresses(f for f in self.listed if f.engine == engine),
            images=images,
            profile_nics=nics,
            listeners=self.host.listeners() if mine else frozenset(),
            chains=chains,
        )

    def _read_chains(self, api: Api, engine: str) -> frozenset[str] | None:
        """The chains of the engine in nftables; None where it uses something else, or they can't be read."""
        try:
            server = api.get("/1.0")
        except EngineError:
            return None
        uses = (server.get("environment") or {}).get("firewall")
        return self.host.chains(engine) if uses == "nftables" else None

    def _read_network(self, api: Api, engine: str) -> Network:
        name = self.request.network_of(engine)
        try:
            return parse_network(name, engine, api.find(path_of("networks", name)), self.request.check_mode)
        except EngineError as exc:
            return Network(name, error=str(exc))

    def _read_images(self, api: Api, mine: t.Sequence[Instance]) -> dict[tuple[str, str], str | None]:
        """The fingerprints of images in the engine's own store, of those that are there."""
        keys = sorted({(i.project, i.image.name) for i in mine if i.image.server is None})
        images: dict[tuple[str, str], str | None] = {}
        for key, found in zip(keys, self._each(lambda k: find_image(api, *k), keys)):
            users = [i for i in mine if i.image.server is None and (i.project, i.image.name) == key]
            if isinstance(found, EngineError):
                self.errors.update({i.name: str(found) for i in users})
            elif found:
                images[key] = found
        return images

    def _read_profiles(self, api: Api, mine: t.Sequence[Instance]) -> dict[tuple[str, str], tuple[str, ...]]:
        """The NICs that each profile brings; services with a profile that is not there are refused."""
        keys = sorted({(i.project, profile) for i in mine for profile in i.profiles})
        nics: dict[tuple[str, str], tuple[str, ...]] = {}
        for key, found in zip(keys, self._each(lambda k: api.find(path_of("profiles", k[1], project=k[0])), keys)):
            if found is not None and not isinstance(found, EngineError):
                devices = (found.get("devices") or {}).items()
                nics[key] = tuple(name for name, device in devices if device.get("type") == "nic")
                continue
            text = (
                str(found)
                if found
                else f"profile {key[1]} is not in the project {key[0]}. Make it first, or name another."
            )
            self.errors.update({i.name: text for i in mine if i.project == key[0] and key[1] in i.profiles})
        return nics

    def _check_host(self, instance: Instance, network: Network) -> None:
        """Refuse what can't be on this host."""
        error = network.error if instance.addressing == "publish" else None
        refusal = nat_refusal(instance, network) if instance.nat else None
        if refusal:
            self.errors.setdefault(instance.name, f"nat can't be had: {refusal}. Mend that, or leave out `nat: true`.")
        if instance.addressing == "own":
            error = self.host.link(instance.parent or self.request.interface, instance.nictype).error
        if error and own_nic(instance):
            self.errors.setdefault(instance.name, error)

    # 4. Apply

    def apply(self, steps: t.Sequence[Step]) -> list[Outcome]:
        """What became of the steps; in check mode what would."""
        if self.request.check_mode or not any(s.changed for s in steps):
            return [Outcome(s, s.state) for s in steps]
        settings = Settings(threads=self.request.threads, wait_timeout=self.request.wait_timeout)
        return Applier(self.apis, self.host.addresses_in, settings, self.host.announce).apply(steps)


_NOBODY = Found("", "", "", "Stopped", "container")


def find_image(api: Api, project: str, name: str) -> str | None:
    """The fingerprint of an image in the engine's own store, by its alias or the beginning of its fingerprint."""
    alias = api.find(path_of("images", "aliases", name, project=project))
    if alias:
        return str(alias["target"])
    image = api.find(path_of("images", name, project=project)) if FINGERPRINT.fullmatch(name) else None
    return str(image["fingerprint"]) if image else None
