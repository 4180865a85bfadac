# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reboot and worse: what a host goes through, and whether its services answer afterwards without anybody's doing.

python tests/resilience/run.py [--events reboot,flush] [--ways docker,podman] [--hosts h1] [--jobs 2] [--deployed] [--keep]

With the environment of `make venv`. Brings the lab up when it is down. Ends with status 1 when anything is not as promised.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from events import EVENTS, Event, Host
from machine import LAB, TOP, LabError, on_host, run
from table import CLIENT, HIDES, MANAGERS, WAYS, Cell, line, load, page, save

HERE = Path(__file__).resolve().parent
RESULTS = TOP / ".cache/resilience/results.json"
PAGE = TOP / "docs/resilience.md"
LIMIT = 30  # seconds to wait for an answer: twice what is promised, to tell late from never
STEADY = 2  # seconds without a failure
PATIENCE = 300  # seconds that Ansible gets


@dataclass(frozen=True)
class Service:
    name: str  # in full
    way: str
    number: str
    address: str | None
    host: str
    engine: str


@dataclass
class Fleet:
    """The hosts and services of one run."""

    inventory: Path
    ways: list[str]
    hosts: list[Host]
    services: list[Service]

    def of(self, host: Host) -> list[Service]:
        return [service for service in self.services if service.host == host.name]


def main() -> int:
    arguments = parse()
    started = time.monotonic()
    cells, about = load(RESULTS)
    try:
        fleet = prepare(arguments)
        events = [event for event in EVENTS if not arguments.events or event.name in arguments.events]
        with ThreadPoolExecutor(arguments.jobs) as pool:
            made = list(pool.map(lambda host: go_through(fleet, host, events), fleet.hosts))
        if not arguments.keep:
            clear(fleet)
    except LabError as error:
        print(f"resilience: {error}", file=sys.stderr)
        return 1
    found = [cell for cells_of_host in made for cell in cells_of_host]
    cells.update({cell.key: cell for cell in found})
    minutes = round((time.monotonic() - started) / 60, 1)
    if not about or not (arguments.events or arguments.ways or arguments.hosts):
        about = {"limit": LIMIT, "what": describe(fleet)}
    save(RESULTS, cells, about)
    PAGE.write_text(page(cells, about))
    bad = [cell for cell in found if not cell.well]
    print(
        f"\n{len(found) - len(bad)} of {len(found)} cells as promised, in {minutes} minutes; all in {PAGE.relative_to(TOP)}"
    )
    return 1 if bad else 0


def parse() -> argparse.Namespace:
    def several(known: t.Iterable[str]) -> t.Callable[[str], list[str]]:
        def split(value: str) -> list[str]:
            unknown = set(value.split(",")) - set(known)
            if unknown:
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(known)}")
            return value.split(",")

        return split

    parser = argparse.ArgumentParser(
        description="What a host goes through, and whether its services answer afterwards."
    )
    parser.add_argument("--events", type=several([event.name for event in EVENTS]), default=[], help="only these")
    parser.add_argument("--ways", type=several(WAYS), default=[], help="only these ways of running a service")
    parser.add_argument("--hosts", type=lambda value: value.split(","), default=[], help="only these hosts")
    parser.add_argument("--inventory", type=Path, default=HERE / "inventory.yml")
    parser.add_argument("--jobs", type=int, default=2, help="hosts at the same time")
    parser.add_argument(
        "--deployed", action="store_true", help="the services are there from an earlier run with --keep"
    )
    parser.add_argument("--keep", action="store_true", help="leave the services where they are")
    return parser.parse_args()


# ---------------------------------------------------------------- before and after


def prepare(arguments: argparse.Namespace) -> Fleet:
    """The hosts under their network managers, and every service answering."""
    managers = read_managers(arguments.inventory)
    hosts = [Host(name, managers[name]) for name in managers if not arguments.hosts or name in arguments.hosts]
    if not hosts:
        raise LabError(f"{arguments.inventory} has no such host; there are {', '.join(managers)}")
    if not Path("/run/lab").exists():
        subprocess.run([LAB, "up", str(max(int(host.name[1:]) for host in hosts))], check=True)
    for host in hosts:
        manage(host)
    fleet = Fleet(arguments.inventory, arguments.ways, hosts, [])
    fleet.services = read_plan(fleet)
    fleet.ways = fleet.ways or sorted({service.way for service in fleet.services})
    fleet.hosts = [
        replace(host, taken=tuple(s.address for s in fleet.of(host) if can_be_taken(s) and s.address)) for host in hosts
    ]
    publish(fleet.hosts, fleet)
    if not arguments.deployed:
        deploy(fleet, [host.name for host in fleet.hosts])
    return fleet


def read_managers(inventory: Path) -> dict[str, str]:
    """{host: network manager}: its group in the inventory."""
    groups = json.loads(ansible("ansible-inventory", inventory, "--list"))
    return {host: manager for manager in MANAGERS for host in groups.get(manager, {}).get("hosts", [])}


def manage(host: Host) -> None:
    units = {
        "networkd": "systemd-networkd",
        "networkmanager": "NetworkManager",
        "ifupdown": "networking",
        "none": "lab-eth0",
    }
    if "yes" not in on_host(host.name, f"systemctl --quiet is-active {units[host.manager]} && echo yes || echo no"):
        print(f"{host.name:<5} {host.manager}", flush=True)
        run([str(TOP / "lab/manager"), host.name, host.manager])


def read_plan(fleet: Fleet) -> list[Service]:
    """The services of the inventory; names are WAY-NUMBER-HOST."""
    file = TOP / ".cache/resilience/plan.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    names = [host.name for host in fleet.hosts]
    playbook(fleet, str(TOP / "lab/plan.yml"), "-e", f"plan_file={file}", hosts=names)
    found = []
    for host, planned in json.loads(file.read_text()).items():
        for service in planned["services"]:
            way, number, on = service["name"].rsplit("-", 2)
            if on == host and host in names and (not fleet.ways or way in fleet.ways):
                found.append(Service(service["fqdn"], way, number, service["address"], host, service["engine"]))
    return found


def can_be_taken(service: Service) -> bool:
    """The second of each way, where its address lies on the LAN and is planned."""
    return service.number == "2" and service.way not in ("routed", "incus-own")


def deploy(fleet: Fleet, hosts: list[str]) -> None:
    print(f"      ansible-playbook ipv6.services.site on {', '.join(hosts)}", flush=True)
    playbook(fleet, "ipv6.services.site", hosts=hosts)
    publish([host for host in fleet.hosts if host.name in hosts], fleet)


def clear(fleet: Fleet) -> None:
    """Takes away all that was deployed, and gives the hosts back to the lab's network manager."""
    fleet.ways = []
    playbook(
        fleet, "ipv6.services.site", "-e", json.dumps({"resilience_ways": []}), "-e", "ipv6_services_purge=true",
        hosts=[host.name for host in fleet.hosts],
    )  # fmt: skip
    for host in fleet.hosts:
        if host.manager != "networkd":
            run([str(TOP / "lab/manager"), host.name, "networkd"])


def publish(hosts: list[Host], fleet: Fleet) -> None:
    """The only AAAA records of these hosts' services are theirs. The other hosts may be down."""
    own = {host.name: own_addresses(host) for host in hosts if any(s.address is None for s in fleet.of(host))}
    services = [service for host in hosts for service in fleet.of(host)]
    found = [(s.name, s.address or own[s.host].get(s.name.partition(".")[0])) for s in services]
    records = [(name, address) for name, address in found if address]
    if records:
        run([LAB, "dns", "del", *(name for name, address in records)])
        run([LAB, "dns", "add", *(part for record in records for part in record)])


def own_addresses(host: Host) -> dict[str, str]:
    """{instance: address} that it has from the router's advertisements, made of its MAC address, the same at each start."""
    listed = on_host(host.name, "! systemctl --quiet is-active incus || incus list --format json </dev/null") or "[]"
    return {
        instance["name"]: address["address"]
        for instance in json.loads(listed)
        for link in ((instance["state"] or {}).get("network") or {}).values()
        for address in link["addresses"]
        if address["family"] == "inet6" and address["scope"] == "global" and "ff:fe" in address["address"]
    }


def playbook(fleet: Fleet, *arguments: str, hosts: list[str]) -> str:
    ways = ["-e", json.dumps({"resilience_ways": fleet.ways})] if fleet.ways else []
    return ansible("ansible-playbook", fleet.inventory, "-l", ",".join(hosts), *ways, *arguments)


def ansible(program: str, inventory: Path, *arguments: str) -> str:
    environment = {
        "ANSIBLE_CONFIG": str(TOP / "lab/ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(TOP / ".build")),
        "ANSIBLE_HOME": str(TOP / ".cache/ansible"),
    }
    command = [LAB, "run", str(Path(sys.executable).with_name(program)), "-i", str(inventory), *arguments]
    log = TOP / f".cache/resilience/{program}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LabError(f"{program} {' '.join(arguments)} did not end within {PATIENCE} s") from None
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        raise LabError(f"{program} {' '.join(arguments)} ended with {done.returncode}; see {log}")
    return done.stdout


def describe(fleet: Fleet) -> str:
    """Versions of what ran, from the first host."""
    names = "docker.io podman incus systemd network-manager ifupdown"
    host = fleet.hosts[0].name
    versions = on_host(
        host,
        f"dpkg-query -W -f '${{Package}} ${{Version}}\\n' {names} 2>/dev/null || true; . /etc/os-release; echo $VERSION_CODENAME",
    )
    *packages, suite = versions.splitlines()
    short = [re.sub(r"^(\S+) (?:\d+:)?(\d+(?:\.\d+)*).*", r"\1 \2", package) for package in packages]
    return f"hosts of Debian {suite}: {', '.join(short)}"


# ---------------------------------------------------------------- one host


def go_through(fleet: Fleet, host: Host, events: list[Event]) -> list[Cell]:
    """One event after the other; before each one all services answer."""
    cells = []
    for event in events:
        if not event.happens(host):
            continue
        made = suffer(fleet, host, event)
        cells += made
        print(line(host.name, event, made), flush=True)
    return cells


def suffer(fleet: Fleet, host: Host, event: Event) -> list[Cell]:
    try:
        mend(fleet, host)
        services = fleet.of(host)
        try:
            since = event.make(host)
            spared = [s for s in services if event.name != "duplicate" or s.address not in host.taken]
            answers = ask(spared, since, LIMIT)
            cells = [cell(host, event, way, spared, answers) for way in WAYS if any(s.way == way for s in spared)]
            if event.name == "duplicate":
                look_at_taken(host, cells, [s for s in services if s.address in host.taken])
        finally:
            event.undo(host)
    except LabError as error:
        return [Cell(host.manager, way, event.name, wrong=str(error)) for way in WAYS if way in fleet.ways]
    return cells


def mend(fleet: Fleet, host: Host) -> None:
    """Brings the host back to where every service answers, after an event that it did not survive."""
    if unwell(fleet, host) and answers_to_ssh(host):
        deploy(fleet, [host.name])
    if unwell(fleet, host):
        run([LAB, "crash", host.name])
        deploy(fleet, [host.name])
        if missing := unwell(fleet, host):
            raise LabError(f"not run: before the event {', '.join(missing)} did not answer")


def answers_to_ssh(host: Host) -> bool:
    try:
        on_host(host.name, "true", timeout=10)
    except LabError:
        return False
    return True


def unwell(fleet: Fleet, host: Host) -> list[str]:
    answers = ask(fleet.of(host), time.time(), 4, steady=0.5)
    return [name for name, answer in answers.items() if answer["after"] is None]


def ask(services: list[Service], since: float, limit: float, steady: float = STEADY) -> dict[str, dict[str, t.Any]]:
    """What the client gets; see client.py."""
    asked = {s.name: {"url": f"http://{s.name}/", "client": "" if s.way in HIDES else CLIENT} for s in services}
    command = [LAB, "client", "python3", str(HERE / "client.py"), CLIENT, str(since), str(limit), str(steady)]
    return t.cast("dict[str, dict[str, t.Any]]", json.loads(run(command, json.dumps(asked), timeout=limit + 30)))


def cell(host: Host, event: Event, way: str, services: list[Service], answers: dict[str, dict[str, t.Any]]) -> Cell:
    mine = {s.name: answers[s.name] for s in services if s.way == way}
    silent: dict[str, list[str]] = {}
    for name, answer in mine.items():
        if answer["after"] is None:
            silent.setdefault(answer["error"], []).append(name.partition(".")[0])
    if silent:
        wrong = "; ".join(f"{', '.join(names)}: {error}" for error, names in silent.items())
        return Cell(host.manager, way, event.name, wrong=wrong)
    hidden = any(answer["client"] != CLIENT for answer in mine.values())
    seen = None if hidden else max(answer["seen"] for answer in mine.values())
    return Cell(host.manager, way, event.name, max(answer["after"] for answer in mine.values()), seen)


def look_at_taken(host: Host, cells: list[Cell], taken: list[Service]) -> None:
    """Those services must not answer, and the host must say why."""
    journal = on_host(host.name, "journalctl --boot --quiet --no-pager | grep -i 'ipv6.services' || true")
    for service in taken:
        answer = ask([service], time.time(), 1, steady=0.1)[service.name]
        wrong = "it answers although another host has its address" if answer["after"] is not None else ""
        if not wrong and str(service.address) not in journal:
            wrong = f"the journal does not say why {service.name} is down"
        for one in cells:
            if one.way == service.way and wrong and not one.wrong:
                one.wrong = f"{wrong} (the other service answered after {one.seconds} s)"


if __name__ == "__main__":
    sys.exit(main())
