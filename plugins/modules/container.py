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
  - Makes, changes and removes any number of containers on Docker and rootful Podman in one call. Each is published on its own
    IPv6 address of the host.
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
  - ipv6.services.container
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
    description: The socket of Podman, which C(podman.socket) opens.
    type: path
    default: /run/podman/podman.sock
  network:
    description:
      - The network of containers that name none. The role P(ipv6.services.host#role) makes it, with IPv6.
    type: str
    default: ipv6-services
  threads:
    description: How many calls that change something an engine gets at once.
    type: int
    default: 4
  purge:
    description:
      - Remove the containers that this collection made on this host, on any engine that answers, and that are not in
        O(containers) any more. Others are never touched.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for a health check to succeed.
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

- name: Run what the inventory lists, and remove what it lists no more
  ipv6.services.container:
    containers: "{{ ipv6_services | ipv6.services.containers(ipv6_services_plan[inventory_hostname].services) }}"
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

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.ipv6.services.plugins.module_utils._container_call import DEFAULT_NETWORK, Call, Request
from ansible_collections.ipv6.services.plugins.module_utils._container_report import (
    changed,
    diff,
    problem_lines,
    report,
    sentence,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import CONTAINER_OPTIONS, ENGINES
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._engine_sdk import MissingSdkError

ARGUMENTS = {
    "containers": {"type": "list", "elements": "dict", "default": [], "options": CONTAINER_OPTIONS},
    "engine": {"type": "str", "choices": list(ENGINES), "default": "docker"},
    "docker_socket": {"type": "path", "default": "/run/docker.sock"},
    "podman_socket": {"type": "path", "default": "/run/podman/podman.sock"},
    "network": {"type": "str", "default": DEFAULT_NETWORK},
    "threads": {"type": "int", "default": 4},
    "purge": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 120},
    "pull_timeout": {"type": "float", "default": 300},
    "strict": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if module.params["threads"] < 1:
        module.fail_json(msg=f"threads is {module.params['threads']}. Give 1 or more.")
    call = Call(parse_request(module.params, module.check_mode))
    call.parse()
    outcomes = []
    if not (call.errors and module.params["strict"]):
        try:
            call.read()
            call.pull()
            outcomes = call.apply(call.plan())
        except MissingSdkError as exc:
            module.fail_json(
                msg=f"{missing_required_lib('docker')} Debian and Ubuntu have it as python3-docker.",
                exception=str(exc.cause),
            )
        except EngineError as exc:
            module.fail_json(msg=str(exc))
    items = report(outcomes, call.errors, {c.name: c.engine for c in call.wanted})
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
        **{name: params[name] for name in ("network", "threads", "purge", "wait_timeout", "pull_timeout")},
    )


if __name__ == "__main__":
    main()
