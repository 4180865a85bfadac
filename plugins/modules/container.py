#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers published on service addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Run containers, each published on a service address
version_added: 0.1.0
description:
  - Makes, changes and removes any number of containers on Docker and Podman, rootful or rootless as any users, in one call.
    Each is published on its own IPv6 address of the host.
  - State is what is effective. A container that runs without its ports, listens on another address, is in a restart loop
    or unhealthy is replaced.
  - A container is replaced without leaving nothing. The image is brought and the new container made first, then the old one is
    stopped and the new one started. When that does not come up, the old one runs again, and the error has the last lines
    that the new one wrote. Limits and the restart policy are changed in place.
  - A container with the same name that this collection did not make is never touched.
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
attributes:
  check_mode:
    support: full
    details:
      - Pulls nothing. Where only a pull would tell whether something changes, the item says so in RV(containers[].unknown).
  diff_mode:
    support: full
    details:
      - Values of environment variables are not shown.
  idempotent:
    support: full
options:
  containers:
    description:
      - The services, each with its container. One with a bad value is reported and left alone, the others are done.
      - Options that C(community.docker.docker_container) has too have its types and its meaning.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the service and of its container, a DNS name with or without its domain.
        type: str
        required: true
      address:
        description:
          - The service address that the ports are published on, such as V(2001:db8::202).
          - Required unless O(containers[].state=absent). The address has to be on the host already, by M(ipv6.services.address).
        type: str
      engine:
        description:
          - What runs the container. The default is O(engine).
          - A service that changes its engine is moved, and comes back on the old one when it does not come up on the new one.
        type: str
        choices: [docker, podman]
      podman_user:
        description:
          - Whose rootless Podman runs it, a user of the host such as V(app). V(root) is rootful Podman, as without it.
          - Only with O(containers[].engine=podman). The role P(ipv6.services.host#role) makes the user able to.
          - A service that changes its user is moved as one that changes its engine. Volumes and images are the user's own.
        type: str
      ports:
        description:
          - What is published on the service address, each V(PORT), V("PORT:CONTAINER_PORT") or two ranges of the same length,
            with V(/tcp) (the default), V(/udp) or V(/sctp) behind it.
          - V("[ADDRESS]:PORT:CONTAINER_PORT") publishes on another service address.
          - Put pairs in quotes, since YAML reads V(22:22) as the number 1342.
        type: list
        elements: raw
      state:
        description:
          - V(started) is up, with its ports, and healthy where it has a health check.
          - V(stopped) is there with all its options, and not running.
          - V(absent) is gone. Its volumes stay. Needs neither address nor image.
        type: str
        choices: [started, stopped, absent]
        default: started
      secret_env:
        description:
          - Environment variables whose values are never shown, neither in results, nor in the log of the host, nor in labels of
            the container.
          - Who may ask the engine can read them there.
        type: dict
      image:
        description:
          - The image, with a tag or a digest. V(latest) is the tag when there is none. An image id is taken as it is.
          - Required unless O(containers[].state=absent).
          - A container whose tag leads to another image by now is replaced.
        type: str
      pull:
        description:
          - V(missing) pulls an image that is not there, V(always) asks the registry each time, V(never) fails without it.
          - Each image is pulled once a call on each engine. The credentials are those that the engine has for the user who runs
            the module, as C(docker login) or C(podman login) stored them; of rootless Podman those of its own user.
        type: str
        choices: [missing, always, never]
        default: missing
      capabilities:
        description: Capabilities to add.
        type: list
        elements: str
        aliases: [cap_add]
      cap_drop:
        description: Capabilities to drop.
        type: list
        elements: str
      command:
        description: Command of the container, a list of words, or text that is split as a shell would.
        type: raw
      cpu_shares:
        description: Weight of its CPU time among containers, 1024 by the engine.
        type: int
      cpus:
        description: How many CPUs it may use, V(1.5) for one and a half.
        type: float
      cpuset_cpus:
        description: The CPUs it may use, as V("0-2,4").
        type: str
      devices:
        description: Devices of the host, each V(HOST_PATH:CONTAINER_PATH:PERMISSIONS).
        type: list
        elements: str
      dns_opts:
        description: Options of its resolver.
        type: list
        elements: str
      dns_search_domains:
        description: Domains that its resolver tries.
        type: list
        elements: str
      dns_servers:
        description: Addresses of the name servers it asks.
        type: list
        elements: str
      domainname:
        description: Its NIS domain name. Podman's API leaves it out, so it is an error there.
        type: str
      entrypoint:
        description: What takes the place of the image's entrypoint.
        type: list
        elements: str
      env:
        description:
          - Environment variables. Values have to be text, so put V("true") and V("8080") in quotes.
          - Values are never shown by this module. What the container writes of them itself can be in an error, where those of
            O(containers[].secret_env) are masked.
        type: dict
      env_file:
        description:
          - A file on the host with C(NAME=VALUE) lines. O(containers[].env) comes before it.
        type: path
      etc_hosts:
        description: Host name to address, for C(/etc/hosts) of the container. V(host-gateway) is the host.
        type: dict
      groups:
        description: Further groups of its processes.
        type: list
        elements: str
      healthcheck:
        description: How the engine finds out whether the service works.
        type: dict
        suboptions:
          test:
            description: A command, or a list that begins with V(CMD), V(CMD-SHELL), or is V(["NONE"]) to have no check.
            type: raw
          test_cli_compatible:
            description: With V(true) and no O(containers[].healthcheck.test) the test is the image's.
            type: bool
            default: false
          interval:
            description: Time between checks, as V(1m30s).
            type: str
          timeout:
            description: How long one check may take.
            type: str
          retries:
            description: After how many failures it counts as unhealthy.
            type: int
          start_period:
            description: Time after the start in which failures do not count.
            type: str
          start_interval:
            description: Time between checks in that period. Needs Docker 25. Podman's API leaves it out, so it is an error there.
            type: str
      hostname:
        description: Host name of the container.
        type: str
      init:
        description: Run an init in it that reaps processes. Podman needs the package C(catatonit) for it.
        type: bool
      labels:
        description: Labels of the container. Those that begin with C(ipv6.services.) are this collection's.
        type: dict
      log_driver:
        description: Where its output goes.
        type: str
      log_options:
        description: Options of O(containers[].log_driver). They can be read with C(inspect), so put no secret there.
        type: dict
        aliases: [log_opt]
      memory:
        description: Memory limit, a number and one of V(B), V(K), V(M), V(G), V(T), V(P). V(0) is no limit.
        type: str
      memory_reservation:
        description: Soft memory limit.
        type: str
      memory_swap:
        description: Limit of memory and swap together, or V(unlimited), which Podman's API leaves out, so it is an error there.
        type: str
      mounts:
        description: What is mounted in the container, with more to say than O(containers[].volumes) can.
        type: list
        elements: dict
        suboptions:
          target:
            description: Path in the container.
            type: str
            required: true
          source:
            description: Path on the host, or name of a volume; an anonymous volume without it.
            type: str
          type:
            description: Kind of the mount.
            type: str
            choices: [bind, tmpfs, volume]
            default: volume
          read_only:
            description: Whether it can only be read.
            type: bool
          consistency:
            description: Consistency requirement, which means nothing on Linux.
            type: str
            choices: [cached, consistent, default, delegated]
          propagation:
            description: Propagation of a V(bind) mount.
            type: str
            choices: [private, rprivate, shared, rshared, slave, rslave]
          create_mountpoint:
            description: Make the source of a V(bind) mount when it is missing.
            type: bool
          non_recursive:
            description: Leave out what is mounted below the source of a V(bind) mount.
            type: bool
          no_copy:
            description: Leave a new V(volume) empty. Not on Podman.
            type: bool
          labels:
            description: Labels of a new V(volume). Not on Podman.
            type: dict
          volume_driver:
            description: Driver of a V(volume). Not on Podman.
            type: str
          volume_options:
            description: Options of that driver.
            type: dict
          subpath:
            description: Path in the V(volume) to mount. Needs Docker 26. Not on Podman.
            type: str
          tmpfs_size:
            description: Size of a V(tmpfs).
            type: str
          tmpfs_mode:
            description: Mode of a V(tmpfs), octal and in quotes.
            type: str
      networks:
        description:
          - Networks of the engine, each a name, or a dictionary with C(name), C(aliases), C(ipv4_address), C(ipv6_address) and
            C(mac_address). The default is O(network).
          - Rootless Podman has no such default. It publishes by pasta, and the service sees the client's own address; by
            slirp4netns where it has no pasta, as 4.3 of Debian bookworm, which hides it. So does every network of a user's.
          - On a host without an IPv4 default route such a network of Podman 5 needs V(--ipv6-only) as one of C(pasta_options) in
            the file containers.conf of the user.
        type: list
        elements: raw
      oom_score_adj:
        description: How readily the kernel ends it when memory is short, from -1000 to 1000.
        type: int
      pids_limit:
        description: How many processes it may have. V(-1) is no limit.
        type: int
      privileged:
        description: Give it nearly all that the host may do.
        type: bool
      read_only:
        description: Mount its root file system read only.
        type: bool
      restart_policy:
        description:
          - When the engine starts it again. Podman gets V(always) for V(unless-stopped), since nothing else comes back there
            after a reboot.
        type: str
        choices: ['no', 'on-failure', always, unless-stopped]
        default: unless-stopped
      restart_retries:
        description: How often at most, with O(containers[].restart_policy=on-failure).
        type: int
      runtime:
        description: OCI runtime. Podman's API leaves it out, so it is an error there.
        type: str
      security_opts:
        description:
          - Security options, as V(no-new-privileges) or V(label=type:TYPE).
          - A seccomp profile is given to Docker as its JSON text, and to Podman as the path of a file on the host, whose later
            changes are not noticed.
        type: list
        elements: str
      shm_size:
        description: Size of C(/dev/shm).
        type: str
      stop_signal:
        description: Signal that asks it to end.
        type: str
      stop_timeout:
        description: Seconds after which it is killed when it does not end.
        type: int
      sysctls:
        description: Kernel settings of its namespaces.
        type: dict
      tmpfs:
        description: Paths with a tmpfs, each V(PATH) or V(PATH:OPTIONS).
        type: list
        elements: str
      tty:
        description: Give it a terminal.
        type: bool
      ulimits:
        description: Limits of its processes, each V(NAME:SOFT:HARD).
        type: list
        elements: str
      user:
        description: User, or V(USER:GROUP), of its processes.
        type: str
      volumes:
        description: Paths of the host and volumes, each V(SOURCE:TARGET:MODE), or V(TARGET) for an anonymous volume.
        type: list
        elements: str
      working_dir:
        description: Directory that its command begins in.
        type: str
  engine:
    description: The engine of containers that name none.
    type: str
    choices: [docker, podman]
    default: docker
  docker_socket:
    description: The socket of Docker.
    type: path
    default: /run/docker.sock
  podman_socket:
    description:
      - The socket of rootful Podman, which C(podman.socket) opens. That of a user is C(/run/user/UID/podman/podman.sock).
    type: path
    default: /run/podman/podman.sock
  network:
    description:
      - The network of containers that name none. The role P(ipv6.services.host#role) makes it, with IPv6. Not of rootless ones.
    type: str
    default: ipv6-services
  threads:
    description: How many calls that change something an engine gets at once.
    type: int
    default: 4
  purge:
    description:
      - Remove the containers that this collection made on this host, on any engine that answers, rootless Podman of any user
        too, and that are not in O(containers) any more, nor in O(keep). Others are never touched.
    type: bool
    default: false
  keep:
    description:
      - Names of services that O(purge) leaves alone although they are not in O(containers), as one that can't be changed now,
        since its address could not be set up. Nothing else is done with them.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait at least for a health check to succeed.
      - A check whose own times are longer is waited for until it has decided, which takes it C(start_period), and C(interval)
        and C(timeout) for each of its C(retries). One of the image counts as well.
    type: float
    default: 120
  pull_timeout:
    description: Seconds without a sign of life after which a pull, or another call of the engine, fails.
    type: float
    default: 300
  strict:
    description: Do nothing when any of O(containers) has a bad value.
    type: bool
    default: false
requirements:
  - docker SDK for Python (C(python3-docker)), where something has to be changed; 7.1 or later with requests 2.32 or later
author:
  - ipv6.services maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Run two services on their own addresses
  ipv6.services.container:
    containers:
      - name: web1
        address: 2001:db8::201
        image: docker.io/traefik/whoami:v1.11
        ports: [80]
      - name: web2
        address: 2001:db8::202
        image: docker.io/library/nginx:1.29
        ports: ["80", "443:8443/tcp"]
        engine: podman
        memory: 256M
        volumes: ["/srv/web2:/usr/share/nginx/html:ro"]

- name: Run one on the rootless Podman of the user app
  ipv6.services.container:
    containers:
      - name: web3
        address: 2001:db8::203
        image: docker.io/traefik/whoami:v1.11
        ports: [80]
        engine: podman
        podman_user: app

- name: Run what the inventory lists, and remove what it lists no more
  ipv6.services.container:
    containers: "{{ ipv6_services | ipv6.services.containers(ipv6_services_plan.hosts[inventory_hostname].services) }}"
    purge: true

- name: Take a service away
  ipv6.services.container:
    containers:
      - name: web1
        state: absent
"""

RETURN = r"""
containers:
  description: One for each service in the order of O(containers), then those purged, then those left alone for an error.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
      returned: always
      sample: web1
    address:
      description: Its address. Of a removed one that which it had.
      type: str
      returned: success
      sample: 2001:db8::201
    engine:
      description: What runs it.
      type: str
      returned: always
      sample: docker
    podman_user:
      description: Whose rootless Podman that is, V(null) for another engine.
      type: str
      returned: always
      sample: app
    id:
      description: Id of the container.
      type: str
      returned: when there is one
      sample: 6f1c0b5b0a8b2d9e3f
    action:
      description: What was done, or would be in check mode.
      type: str
      returned: always
      sample: created
    why:
      description: What was different.
      type: list
      elements: str
      returned: success
      sample: ["memory: 134217728 -> 268435456"]
    ports:
      description: What is published now.
      type: list
      elements: str
      returned: success
      sample: ["[2001:db8::201]:80:80/tcp"]
    client_address:
      description:
        - V(kept) when the service sees the client's own address, V(hidden) when it sees the same one for every client, since
          something relays to it.
        - Hidden by rootless Podman without pasta or in a named network, and by Docker on a network without IPv6 or
          without C(ip6tables).
      type: str
      returned: where ports are published and it is known
      sample: kept
    image:
      description: The image.
      type: str
      returned: success
      sample: docker.io/traefik/whoami:v1.11
    unknown:
      description: What can't be known before a run.
      type: list
      elements: str
      returned: in check mode, where there is such a thing
      sample: ["pull is always, and may bring another docker.io/traefik/whoami:v1.11"]
    error:
      description: Why it failed.
      type: str
      returned: when RV(containers[].action=failed)
      sample: "image: It is missing. Name the image, as docker.io/library/nginx:1.29."
problems:
  description: What is wrong with the entries, each with C(service), C(field), C(value), C(problem) and C(mend).
  returned: when there is something
  type: list
  elements: dict
  sample:
    - service: web1
      field: ports[0]
      value: 70000
      problem: 70000 is above 65535, the last port.
      mend: "Was 1166:40 meant? Put it in quotes: YAML reads it as base 60."
"""

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_call import DEFAULT_NETWORK, Call, Request
from ansible_collections.ipv6.services.plugins.module_utils._container_module import ContainerModule
from ansible_collections.ipv6.services.plugins.module_utils._container_report import (
    changed,
    diff,
    problem_lines,
    report,
    sentence,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import CONTAINER_OPTIONS, ENGINES

ARGUMENTS = {
    "containers": {"type": "list", "elements": "dict", "default": [], "options": CONTAINER_OPTIONS},
    "engine": {"type": "str", "choices": list(ENGINES), "default": "docker"},
    "docker_socket": {"type": "path", "default": "/run/docker.sock"},
    "podman_socket": {"type": "path", "default": "/run/podman/podman.sock"},
    "network": {"type": "str", "default": DEFAULT_NETWORK},
    "threads": {"type": "int", "default": 4},
    "purge": {"type": "bool", "default": False},
    "keep": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "float", "default": 120},
    "pull_timeout": {"type": "float", "default": 300},
    "strict": {"type": "bool", "default": False},
}


def main() -> None:
    module = ContainerModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if module.params["threads"] < 1:
        module.fail_json(msg=f"threads is {module.params['threads']}. Give 1 or more.")
    call = Call(parse_request(module.params, module.check_mode))
    call.parse()
    outcomes = []
    if not (call.errors and module.params["strict"]):
        call.read()
        call.pull()
        outcomes = call.apply(call.plan())
    items = report(outcomes, call.errors, call.engines(), call.client_addresses() if outcomes else {})
    result: dict[str, t.Any] = {"changed": changed(outcomes), "containers": items}
    if call.problems:
        result["problems"] = problem_lines(call.problems)
    if module._diff:
        result["diff"] = diff(outcomes)
    if any(item["action"] == "failed" for item in items):
        module.fail_json(msg=sentence(items), **result)
    module.exit_json(**result)


def parse_request(params: dict[str, t.Any], check_mode: bool) -> Request:
    return Request(
        entries=params["containers"],
        engine=params["engine"],
        sockets={engine: params[f"{engine}_socket"] for engine in ENGINES},
        check_mode=check_mode,
        **{name: params[name] for name in ("network", "threads", "purge", "keep", "wait_timeout", "pull_timeout")},
    )


if __name__ == "__main__":
    main()
