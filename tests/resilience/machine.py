# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the events do to the lab and its hosts; see lab/lab."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import typing as t
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
LAB = str(TOP / "lab/lab")
ROOTS = Path("/var/tmp/lab")  # the lab's LAB_CACHE


class LabError(Exception):
    """A command that did not do what it was to, in a sentence."""


def run(command: list[str], text: str | None = None, timeout: float = 120) -> str:
    """What it prints. text: its standard input."""
    try:
        done = subprocess.run(
            command, input=text or "", capture_output=True, text=True, check=False, timeout=timeout, cwd=TOP
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(command)[:200]}` did not end within {timeout:.0f} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise LabError(f"`{' '.join(command)[:200]}` ended with {done.returncode}: {said}")
    return done.stdout


def on_host(host: str, script: str, timeout: float = 120) -> str:
    """Runs a shell script on the host, ends at its first failure, and returns what it prints."""
    return run([LAB, "exec", host, "bash -eu"], script, timeout)


def put(host: str, path: Path, directory: str) -> None:
    run([LAB, "run", "scp", "-q", "-F", "/run/lab/ssh_config", str(path), f"{host}:{directory}/"])


def power_cycle(host: str, at_power_on: t.Callable[[], object] | None = None, verb: str = "reboot") -> float:
    """Boots it anew and returns the moment at which ssh answered.

    at_power_on: called when the host has its new link and not yet booted. verb: reboot, or crash, which does without a shutdown.
    """
    before = link(host)["ifindex"]
    watcher = threading.Thread(target=call_at_power_on, args=(host, before, at_power_on)) if at_power_on else None
    if watcher:
        watcher.start()
    run([LAB, verb, host])
    since = time.time()
    if watcher:
        watcher.join()
    return since


def call_at_power_on(host: str, before: int, act: t.Callable[[], object]) -> None:
    """The host's end of the link is made anew for each boot; `lab` sets it up as the last thing."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        there = link(host)
        if there.get("ifindex", before) != before and "UP" in there["flags"]:
            act()
            return
        time.sleep(0.02)


def link(host: str) -> dict[str, t.Any]:
    """The LAN's end of its link; empty while there is none."""
    done = subprocess.run(["ip", "-n", "lab", "-j", "link", "show", host], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout) if done.returncode == 0 else [{}]
    return t.cast("dict[str, t.Any]", found[0])


def cable(host: str, state: str) -> None:
    """state: up or down."""
    run(["ip", "-n", "lab", "link", "set", host, state])


def late_carrier(host: str, seconds: float) -> None:
    cable(host, "down")
    time.sleep(seconds)
    cable(host, "up")


def take(addresses: list[str]) -> None:
    """Another machine on the LAN has them, and asks nobody: the controller. Deprecated, so that it never asks from them."""
    for address in addresses:
        run(["ip", "-n", "lab", "addr", "replace", f"{address}/128", "dev", "br0", "nodad", "preferred_lft", "0"])


def give_back(addresses: list[str]) -> None:
    for address in addresses:
        subprocess.run(
            ["ip", "-n", "lab", "addr", "del", f"{address}/128", "dev", "br0"], capture_output=True, check=False
        )


def suite_of(host: str) -> str:
    return on_host(host, ". /etc/os-release; echo $VERSION_CODENAME").strip()


def packages(suite: str, names: list[str]) -> list[Path]:
    """Downloads them as Debian has them now, once in a run, by this machine's apt for the suite of the lab's root."""
    place = TOP / ".cache/resilience" / suite
    root = ROOTS / f"root-{suite}"
    for part in ("state/lists/partial", "cache/archives/partial", "debs"):
        (place / part).mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State": place / "state",
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::Cache": place / "cache",
        "Dir::Etc::sourcelist": root / "etc/apt/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::trusted": root / "etc/apt/trusted.gpg",
        "Dir::Etc::trustedparts": root / "etc/apt/trusted.gpg.d",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    run([*apt, "update"], timeout=300)
    run(["env", "-C", str(place / "debs"), *apt, "download", *names], timeout=300)
    return sorted((place / "debs").glob("*.deb"))
