"""Runs on a host of the lab: the engine asked straight by the SDK, the floor under every tool that asks it.

on_host.py SOCKET VERB THREADS < list of [name, address]      VERB: up, again or down; prints the seconds it took

up creates and starts, again only finds out that nothing is to be done, down removes.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import docker

IMAGE = "registry.example.com/whoami:v1.11"
LABEL = "benchmark"


def main(socket, verb, threads):
    services = json.load(sys.stdin)
    client = docker.DockerClient(base_url=f"unix://{socket}", max_pool_size=32, timeout=300)

    def start(service):
        name, address = service
        client.containers.create(
            IMAGE,
            name=name,
            ports={"80/tcp": (address, 80)},
            network="ipv6-services",
            restart_policy={"Name": "always"},
            labels={LABEL: "1"},
        ).start()

    begin = time.monotonic()
    if verb == "up":
        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(start, services))
    elif verb == "again":
        held = {c["Names"][0].lstrip("/"): c for c in client.api.containers(all=True)}
        if any(held[name]["State"] != "running" for name, _address in services):
            raise SystemExit("not all of them run")
    else:
        names = {name for name, _address in services}
        held = [c for c in client.api.containers(all=True) if c["Names"][0].lstrip("/") in names]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda c: client.api.remove_container(c["Id"], force=True), held))
    sys.stdout.write(f"{time.monotonic() - begin:.3f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
