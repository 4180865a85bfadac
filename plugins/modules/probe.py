#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Ask whether services answer on their addresses
version_added: 0.1.0
description:
  - Connects to every published TCP port of many services at once and fails when one does not answer before the time is over.
  - Asks from whatever host the task runs on; with C(delegate_to) from another one.
  - A connection that is closed at once, without a byte, is no answer. Docker's proxy accepts connections even when nothing
    listens in the container.
author:
  - ipv6.services maintainers (!UNKNOWN)
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.info_module
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
options:
  services:
    description: The services to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The service's name, for the result and the messages.
        type: str
        required: true
      address:
        description: The service address.
        type: str
        required: true
      ports:
        description:
          - The published TCP ports. A service without any is not asked.
        type: list
        elements: int
        default: []
  timeout:
    description: Seconds after which a service that has not answered counts as down. Holds for all services together.
    type: float
    default: 15
  interval:
    description: Seconds between two attempts at the same port.
    type: float
    default: 0.25
"""

EXAMPLES = r"""
- name: Web1 and web2 answer on port 443
  ipv6.services.probe:
    services:
      - name: web1
        address: 2001:db8::201
        ports: [443]
      - name: web2
        address: 2001:db8::202
        ports: [443]
    timeout: 5
"""

RETURN = r"""
endpoints:
  description: What every port answered, in the order of the services and their ports.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The service.
      type: str
      sample: web1
    address:
      description: Its address.
      type: str
      sample: 2001:db8::201
    port:
      description: The port that was asked.
      type: int
      sample: 443
    ok:
      description: Whether a service listens there.
      type: bool
      sample: true
    seconds:
      description: From the start of the call until that was known.
      type: float
      sample: 0.207
    attempts:
      description: How many connections were tried.
      type: int
      sample: 1
    error:
      description: What the system said last.
      returned: when it did not answer
      type: str
      sample: Connection refused
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._probe import Answer, Endpoint, probe

ARGUMENTS: dict[str, t.Any] = {
    "services": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "ports": {"type": "list", "elements": "int", "default": []},
        },
    },
    "timeout": {"type": "float", "default": 15},
    "interval": {"type": "float", "default": 0.25},
}


def parse(params: dict[str, t.Any]) -> list[Endpoint]:
    """Every port of every service. Raises RequestError."""
    if not 0 < params["interval"] <= params["timeout"] <= 3600:
        raise RequestError(
            f"interval is {params['interval']} and timeout {params['timeout']}: give seconds, interval above 0 and at most"
            " timeout, timeout at most 3600."
        )
    endpoints = []
    for service in params["services"]:
        address = parse_address(service["address"])
        for port in service["ports"]:
            if not 1 <= port <= 65535:
                raise RequestError(f"service {service['name']}: port {port} is none. Give one from 1 to 65535.")
            endpoints.append(Endpoint(service["name"], address, port))
    return endpoints


def report(answer: Answer) -> dict[str, t.Any]:
    item = {
        "name": answer.endpoint.name,
        "address": str(answer.endpoint.address),
        "port": answer.endpoint.port,
        "ok": answer.error is None,
        "seconds": round(answer.seconds, 3),
        "attempts": answer.attempts,
    }
    if answer.error is not None:
        item["error"] = answer.error
    return item


def sentence(silent: list[Answer]) -> str:
    """What a person reads when services are down."""
    lines = [f"{a.endpoint.name} on [{a.endpoint.address}]:{a.endpoint.port}: {a.error}" for a in silent]
    return f"{len(silent)} of the published ports did not answer: " + "; ".join(lines)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        endpoints = parse(module.params)
    except RequestError as exc:
        module.fail_json(msg=str(exc))
    answers = probe(endpoints, module.params["timeout"], module.params["interval"])
    result = {"changed": False, "endpoints": [report(a) for a in answers]}
    silent = [a for a in answers if a.error is not None]
    if silent:
        module.fail_json(msg=sentence(silent), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
