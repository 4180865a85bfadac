"""Measure N services on host h1 of the lab: this collection, a loop of the community's module, the shell loop, the SDK.

measure.py ENGINE [N...]       runs in the lab's network; the addresses are there before, the image too

Every contender makes the same containers on the same network. "First" makes them, "second" finds nothing to do.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = TOP / ".build/bench/bin"
LAB = TOP / "lab/lab"
ON_HOST = "/root/on_host.py"
IMAGE = "registry.example.com/whoami:v1.11"
SOCKETS = {"docker": "/run/docker.sock", "podman": "/run/podman/podman.sock"}
INVENTORY = {
    "all": {
        "hosts": {"h1": {}},
        "vars": {
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": "-F /run/lab/ssh_config -o ControlMaster=auto -o ControlPersist=60s",
            "ansible_pipelining": True,
        },
    }
}

LOOPS = {
    "docker": {
        "community.docker.docker_container": {
            "name": "{{ item.name }}",
            "image": IMAGE,
            "published_ports": ["[{{ item.address }}]:80:80"],
            "networks": [{"name": "ipv6-services"}],
            "networks_cli_compatible": True,
            "restart_policy": "always",
        }
    },
    "podman": {
        "containers.podman.podman_container": {
            "name": "{{ item.name }}",
            "image": IMAGE,
            "ports": ["[{{ item.address }}]:80:80"],
            "network": "ipv6-services",
            "restart_policy": "always",
        }
    },
}


class Bench:
    def __init__(self, engine, directory):
        self.engine, self.directory = engine, pathlib.Path(directory)
        (self.directory / "inventory.yml").write_text(yaml.safe_dump(INVENTORY))

    def play(self, play, **extra):
        """Seconds of one ansible-playbook, and of its slowest-named tasks by the profile callback."""
        path = self.directory / "play.yml"
        path.write_text(yaml.safe_dump(play)) if isinstance(play, list) else None
        variables = self.directory / "extra.json"
        variables.write_text(json.dumps(extra))
        command = [BIN / "ansible-playbook", "-i", self.directory / "inventory.yml", "-e", f"@{variables}"]
        begin = time.monotonic()
        done = subprocess.run(
            [*command, path if isinstance(play, list) else play],
            env={
                "PATH": f"{BIN}:/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME": str(self.directory),
                "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".build"),
                "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.timer,ansible.posix.profile_tasks",
                "LC_ALL": "C.UTF-8",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return seconds, done.stdout

    def host(self, *command, stdin=""):
        done = subprocess.run([LAB, "exec", "h1", *command], input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout

    def sdk(self, verb, services, threads=8):
        program = (TOP / "benchmarks/on_host.py").read_text()
        self.host("sh", "-c", f"'cat >{ON_HOST}'", stdin=program)
        pairs = json.dumps([[s["name"], s["address"]] for s in services])
        return float(self.host("python3", ON_HOST, SOCKETS[self.engine], verb, str(threads), stdin=pairs))

    def shell(self, services):
        """The article's loop, with the question whether the container runs already."""
        lines = [
            f"[ \"$({self.engine} inspect -f '{{{{.State.Running}}}}' {s['name']} 2>/dev/null)\" = true ] ||"
            f" {self.engine} run -d --name {s['name']} --restart always --network ipv6-services"
            f" -p '[{s['address']}]:80:80' {IMAGE} >/dev/null"
            for s in services
        ]
        begin = time.monotonic()
        self.host("sh", "-e", stdin="\n".join(lines) + "\n")
        return time.monotonic() - begin


def services(engine, count):
    return [
        {"name": f"bench{i}", "address": f"2001:db8::5:{i:x}", "image": IMAGE, "ports": [80], "engine": engine}
        for i in range(1, count + 1)
    ]


def site(bench, wanted):
    """The whole play, and in it the one run of module container."""
    seconds, output = bench.play("ipv6.services.site", ipv6_services=wanted)
    task = re.search(r"Every service runs, published on its address -+ ([0-9.]+)s", output)
    changed = int(re.search(r"h1 .*changed=(\d+)", output).group(1))
    return seconds, float(task.group(1)), changed


def measure(bench, count):
    """Rows of (contender, first, second); the addresses, the network and the image are there before."""
    wanted = services(bench.engine, count)

    def clean():
        bench.sdk("down", wanted)

    site(bench, wanted)
    clean()
    rows = []

    first, second = site(bench, wanted), site(bench, wanted)
    if second[2]:
        raise SystemExit("the second run changed something")
    rows.append(("ipv6.services.site, the whole play", first[0], second[0]))
    rows.append(("its module container", first[1], second[1]))
    clean()

    ((name, arguments),) = LOOPS[bench.engine].items()
    loop = [{"hosts": "all", "gather_facts": False, "tasks": [{name: arguments, "loop": "{{ services }}"}]}]
    rows.append((f"loop of {name}", bench.play(loop, services=wanted)[0], bench.play(loop, services=wanted)[0]))
    clean()

    rows.append(("the article's shell loop", bench.shell(wanted), bench.shell(wanted)))
    clean()

    for threads in (1, 8):
        rows.append(
            (f"the SDK straight, {threads} at a time", bench.sdk("up", wanted, threads), bench.sdk("again", wanted))
        )
        clean()
    return rows


def table(engine, counts, results):
    head = "| " + " | ".join(["", *(f"{n}: first / second" for n in counts)]) + " |"
    rule = "|" + " --- |" * (len(counts) + 1)
    lines = [f"## {engine}", "", head, rule]
    for index, (name, _first, _second) in enumerate(results[0]):
        cells = [f"{rows[index][1]:.2f} / {rows[index][2]:.2f}" for rows in results]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    loop, play, module, floor = (2, 0, 1, 5)
    ratios = [
        ("times faster than the loop", loop, play),
        ("module, in times of the SDK's 8 threads", module, floor),
    ]
    for name, above, below in ratios:
        cells = [
            f"{rows[above][1] / rows[below][1]:.1f} / {rows[above][2] / rows[below][2]:.1f}"
            if rows[below][2] > 0.05
            else f"{rows[above][1] / rows[below][1]:.2f} / "
            for rows in results
        ]
        lines.append("| **" + name + "** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(engine, *counts):
    numbers = [int(n) for n in counts] or [1, 10, 50]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(engine, directory)
        results = [measure(bench, n) for n in numbers]
    text = table(engine, numbers, results)
    (TOP / f".build/bench-{engine}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
