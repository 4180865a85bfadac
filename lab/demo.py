# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: four hosts, four engines, services on addresses of their own, and what a client gets from each of them.

python lab/demo.py [INVENTORY]     with the environment of `make venv`; INVENTORY is examples/demo/inventory.yml
python lab/demo.py shell           a shell on the client

Ends with status 1 when anything is not as it should be.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LAB = str(TOP / "lab/lab")
EXAMPLE = TOP / "examples/demo"
PLAN = TOP / ".cache/demo-plan.json"
CLIENT = "2001:db8::c"
SUITES = ("trixie", "trixie", "trixie", "bookworm")  # of h1 to h4; only bookworm has LXD
SOURCES = {"address": "inventory", "allocated": "allocated", "dns": "DNS", "router": "the router"}
REBOOTED = ("h3", "h4")  # between them they have all engines
SECONDS = 60  # that the services may take to answer after a reboot


class DemoError(Exception):
    """What was not as it should be, in a sentence."""


@dataclass(frozen=True)
class Service:
    """One line of the table but for the answer."""

    name: str  # in full
    container: str
    address: str
    source: str  # address, allocated, dns or router, as the plan has it
    host: str
    engine: str
    user: str | None  # of a rootless container
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.name}{'' if self.port == 80 else f':{self.port}'}/"

    @property
    def runs_on(self) -> str:
        return f"{self.engine} ({self.user})" if self.user else self.engine


@dataclass(frozen=True)
class Answer:
    text: str  # a line of the answer, or of curl's error
    client: str  # who the service says asked it
    well: bool


def main(arguments: list[str]) -> int:
    if arguments == ["shell"]:
        return shell()
    inventory = Path(arguments[0]) if arguments else EXAMPLE / "inventory.yml"
    try:
        demo(inventory)
    except DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    return 0


def demo(inventory: Path) -> None:
    title("The lab: four hosts, a router, a name server, a registry, a client")
    run([LAB, "up", str(len(SUITES)), *SUITES])
    records = read_records(inventory.parent / "records")
    publish(records)
    print("in DNS: " + ", ".join(f"{name} {address}" for name, address in records))

    title("ansible-playbook ipv6.services.site")
    playbook(inventory, "ipv6.services.site")
    services = read_plan(inventory)
    publish([(s.name, s.address) for s in services if s.source != "dns"])
    title("What the client gets, by name")
    show(services, ask_all(services))

    title("The second run")
    changed = changes(playbook(inventory, "ipv6.services.site"))
    if changed:
        raise DemoError("the second run was to change nothing; it changed something on " + ", ".join(changed))
    print("It changed nothing.")

    title(f"A reboot of {' and '.join(REBOOTED)}")
    run([LAB, "reboot", *REBOOTED])
    show(services, patiently(services))

    print(
        "\nLook around:   make demo-shell          on the client: curl http://web1.example.com/"
        "\n               make demo-shell H=h1     on a host: docker ps, ip -6 addr; on h2 podman ps, on h3 incus list"
        f"\nMade from:     {inventory.parent}/"
        "\nEnd it:        make demo-down"
    )


def shell() -> int:
    if subprocess.run([LAB, "status"], stdout=subprocess.DEVNULL, check=False).returncode:
        print("make demo first", file=sys.stderr)
        return 1
    print("You are on the client, 2001:db8::c. Try: curl http://web1.example.com/ ; exit ends it.")
    return subprocess.run([LAB, "client", "bash"], check=False).returncode


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(command: list[str]) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise DemoError(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def playbook(inventory: Path, *arguments: str, quiet: bool = False) -> str:
    """Runs ansible-playbook on this machine, in the lab's network; shows and returns what it prints.

    quiet: show it only when it fails.
    """
    command = [LAB, "run", str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), *arguments]
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(TOP / "lab/ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".build"),
        "ANSIBLE_HOME": str(TOP / ".cache/ansible"),
    }
    if sys.stdout.isatty():
        environment["ANSIBLE_FORCE_COLOR"] = "1"
    printed = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        for line in process.stdout or ():
            printed.append(line)
            if not quiet:
                print(line, end="", flush=True)
    if process.returncode:
        if quiet:
            print("".join(printed))
        raise DemoError(f"ansible-playbook {' '.join(arguments)} ended with {process.returncode}")
    return "".join(printed)


def changes(printed: str) -> list[str]:
    """Hosts of which the recap says that something was changed."""
    recap = re.sub(r"\x1b\[[0-9;]*m", "", printed).rpartition("PLAY RECAP")[2]
    counts = re.findall(r"^(\S+)\s+:.*?\bchanged=(\d+)", recap, re.MULTILINE)
    if not counts:
        raise DemoError("ansible-playbook printed no recap")
    return [host for host, count in counts if count != "0"]


def read_records(path: Path) -> list[tuple[str, str]]:
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return [(line[0], line[1]) for line in lines if line]


def read_plan(inventory: Path) -> list[Service]:
    """One for each published TCP port, in the order of the inventory."""
    PLAN.parent.mkdir(exist_ok=True)
    playbook(inventory, str(TOP / "lab/plan.yml"), "-e", f"plan_file={PLAN}", quiet=True)
    return [
        Service(
            name=s["fqdn"],
            container=s["name"],
            address=s["address"] or own_address(host, s["engine"], s["name"]),
            source=s["source"],
            host=host,
            engine=s["engine"],
            user=s["podman_user"],
            port=port["port"],
        )
        for host, planned in json.loads(PLAN.read_text()).items()
        for s in planned["services"]
        for port in s["ports"]
        if port["protocol"] == "tcp" and s["state"] == "started"
    ]


def own_address(host: str, engine: str, instance: str) -> str:
    """That which an instance took from the router, as its engine says."""
    program = {"incus": "incus", "lxd": "lxc"}[engine]
    listed = json.loads(run([LAB, "exec", host, program, "list", "--format", "json", f"^{instance}$"]))
    for item in listed[0]["state"]["network"]["eth0"]["addresses"]:
        if item["scope"] == "global" and item["family"] == "inet6":
            return str(item["address"])
    raise DemoError(f"{instance} on {host} has no address of its own")


def publish(records: list[tuple[str, str]]) -> None:
    """The names' only AAAA records are these."""
    if records:
        run([LAB, "dns", "del", *{name for name, address in records}])
        run([LAB, "dns", "add", *(part for record in records for part in record)])


def ask_all(services: list[Service]) -> list[Answer]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(ask, services))


def patiently(services: list[Service]) -> list[Answer]:
    end = time.monotonic() + SECONDS
    while True:
        answers = ask_all(services)
        if all(answer.well for answer in answers) or time.monotonic() > end:
            return answers
        time.sleep(0.5)


def ask(service: Service) -> Answer:
    """By its name, from the client."""
    curl = [LAB, "client", "curl", "-sS", "--fail", "--max-time", "5", "-w", "\\n%{remote_ip}", service.url]
    done = subprocess.run(curl, capture_output=True, text=True, check=False)
    if done.returncode:
        return Answer(done.stderr.strip().splitlines()[-1], "-", well=False)
    body, address = done.stdout.rsplit("\n", 1)
    said = dict(re.findall(r"^(\w+): (.*)$", body, re.MULTILINE))
    if "Remote" in said:
        text, client = f"I am {said.get('Name') or said['Hostname']}", said["Remote"]
    else:
        text, client = re.sub(r"<[^>]*>", "", body).strip(), read_log(service)
    client = client.strip("[]").rpartition("]:")[0] or client
    if address != service.address:
        return Answer(f"answered from {address}", client, well=False)
    return Answer(text, client, well=client == CLIENT)


def read_log(service: Service) -> str:
    """httpd says to its log who asks, a line each: [2001:db8::c]:40000: url:/."""
    command = [LAB, "exec", service.host, service.engine, "logs", "--tail", "5", service.container]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seen = re.findall(r"^(\[.+?\]:\d+|[\d.]+:\d+):", done.stdout, re.MULTILINE)
    return seen[-1] if seen else "?"


def show(services: list[Service], answers: list[Answer]) -> None:
    rows = [("NAME", "ADDRESS", "HOST", "ENGINE", "URL", "ANSWER", "SAW CLIENT")]
    for s, answer in zip(services, answers):
        rows.append(
            (s.name, f"{s.address} ({SOURCES[s.source]})", s.host, s.runs_on, s.url, answer.text, answer.client)
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    wrong = [s.url for s, answer in zip(services, answers) if not answer.well]
    if wrong:
        raise DemoError(f"not as it should be (an answer, seen as coming from {CLIENT}): {', '.join(wrong)}")
    print(f"{len(services)} of {len(services)} answer on their own addresses, and see the client's own address.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
