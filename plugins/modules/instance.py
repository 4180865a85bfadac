#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances of Incus and LXD, published on service addresses or with an address of their own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance
short_description: Run instances of Incus or LXD, each with a service address
version_added: 0.1.0
description:
  - Makes, changes and removes any number of instances of Incus and LXD in one call, over the unix socket of the engine.
    Nothing beside Python is needed for it.
  - An instance has its service address in one of two ways. With O(instances[].addressing=publish) the address is the
    host's, and the engine publishes ports of the instance on it. With O(instances[].addressing=own) the instance has a NIC
    on the LAN, and the address is its own, from the router's advertisement or a static one.
  - State is what is effective. An instance that runs without a port that it should publish, or without its address, is
    mended.
  - Config, devices, profiles and limits are changed in place, and what the instance had before is put back when it does not
    come up with them. An instance is started again where a change is effective only then, as for O(instances[].env).
  - Only another image, type, project or engine takes a new instance. That is made first, then the old one is stopped and
    the new one started. When the new one does not come up, the old one runs again.
  - An instance with the same name that this collection did not make is never touched, nor is a copy that somebody made of
    one, under another name.
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Values of config keys are shown of limits and boot only; any other may hold a secret.
  idempotent:
    support: full
options:
  instances:
    description:
      - The services, each with its instance. One with a bad value is reported and left alone, the others are done.
      - Options that M(ipv6.services.container) has too have their meaning there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the service, a DNS name with or without its domain. Its instance has the same name with V(-) for each
            dot.
        type: str
        required: true
      address:
        description:
          - The service address, such as V(2001:db8::203). Required unless O(instances[].state=absent).
          - With O(instances[].addressing=publish) it has to be on the host already, by M(ipv6.services.address).
          - V(auto), with O(instances[].addressing=own), is what the instance makes of the router's advertisement (SLAAC).
            The module waits for it and returns it. It stays the same when the instance is replaced.
          - A static address of an instance's own is given to containers by LXC when they start, so nothing in the image is
            needed for it, and to images with cloud-init by that. An image whose network manager takes away what it did not
            configure needs cloud-init, and a virtual machine as well.
        type: str
      engine:
        description: What runs the instance. The default is O(engine).
        type: str
        choices: [incus, lxd]
      addressing:
        description:
          - V(publish) publishes O(instances[].ports) on the service address by proxy devices.
          - V(own) gives the instance a NIC on the LAN. All its ports can be reached there, and no guard of the host stands
            before it. The neighbours are told when it starts, so that a service that moves here is found at once.
        type: str
        choices: [publish, own]
        default: publish
      ports:
        description:
          - What is published on the service address, each V(PORT), V("PORT:INSTANCE_PORT") or two ranges of the same
            length, with V(/tcp) (the default) or V(/udp) behind it.
          - With O(instances[].addressing=own) nothing has to be published, and this only says what M(ipv6.services.probe)
            asks.
        type: list
        elements: raw
      nat:
        description:
          - Whether the kernel leads the ports to the instance, which then sees the client's own address. Otherwise a
            program of the engine does, and the instance sees the host as its client.
          - When it is not set, nat is used where it can be had, and the result says in RV(instances[].why) when it can't. A
            host that refused it is not asked again until this is V(true).
          - The instance gets a static address in the network of the engine for it, made from its name.
        type: bool
      proxy_protocol:
        description:
          - Tell the service the client's address by the PROXY protocol, which it then has to speak. Only without nat.
        type: bool
        default: false
      nictype:
        description:
          - The NIC of O(instances[].addressing=own).
          - V(macvlan) needs nothing on the host. The host itself can't reach the instance then, which is how macvlan works.
          - V(bridged) needs a bridge of the LAN as O(instances[].parent), and the host reaches the instance too.
        type: str
        choices: [macvlan, bridged]
        default: macvlan
      parent:
        description: The interface of the host that this NIC is beside. The default is O(interface).
        type: str
      state:
        description:
          - V(started) runs, with its ports or its address, and comes back after a reboot.
          - V(stopped) is there with all its options, and not running. Its ports may be somebody else's meanwhile.
          - V(absent) is gone, with its file system and its snapshots. Needs neither address nor image. One that the engine
            protects from being deleted is left alone, and that is an error.
        type: str
        choices: [started, stopped, absent]
        default: started
      image:
        description:
          - The image, an alias such as V(debian/13), or a fingerprint of at least 12 digits. Required unless
            O(instances[].state=absent).
          - An alias of the engine's own store that leads to another image by now replaces the instance. An alias on a
            server is asked for only when an instance is made.
        type: str
      image_server:
        description: The server that has the image, an https URL. Without it the image is in the engine's own store.
        type: str
      image_protocol:
        description: What O(instances[].image_server) speaks.
        type: str
        choices: [simplestreams, lxd, incus]
        default: simplestreams
      type:
        description: Kind of the instance. Ports of a virtual machine are published with nat only.
        type: str
        choices: [container, virtual-machine]
        default: container
      profiles:
        description: Profiles of the engine, the last one first in what they say differently.
        type: list
        elements: str
        default: [default]
      config:
        description:
          - Config keys of the instance, as V(security.nesting). Values are never shown by this module.
          - What is not listed any more is taken away; keys that others set stay.
        type: dict
      devices:
        description:
          - Devices of the instance, each a dictionary with its C(type). What is not listed any more is taken away; devices
            that others added stay.
          - A device V(eth0) takes the place of the NIC that this module would make.
        type: dict
      user_data:
        description:
          - User data for cloud-init, in images that have it, beginning with C(#cloud-config) or C(#!). Never shown by this
            module.
          - When it changes, the instance is started again, and cloud-init runs again.
        type: str
      env:
        description:
          - Environment variables of the instance's first program, and of what is executed in it. Values have to be text, on
            one line.
        type: dict
      secret_env:
        description:
          - Environment variables whose values are never shown, neither in results nor in the log of the host.
          - Who may ask the engine can read them there.
        type: dict
      memory:
        description: Memory limit, a number and one of V(B), V(K), V(M), V(G), V(T), V(P). V(0) is no limit.
        type: str
      cpus:
        description:
          - How many CPUs it may use. A whole number is the CPUs that it sees; V(1.5) is the time of one and a half, for
            containers only.
        type: float
      project:
        description: Project of the engine, which has to be there.
        type: str
        default: default
  engine:
    description: The engine of instances that name none.
    type: str
    choices: [incus, lxd]
    default: incus
  incus_socket:
    description: The socket of Incus.
    type: path
    default: /var/lib/incus/unix.socket
  lxd_socket:
    description:
      - The socket of LXD. The default is the first that is there, of C(/var/lib/lxd/unix.socket) of Debian's package and
        C(/var/snap/lxd/common/lxd/unix.socket) of the snap.
    type: path
  network:
    description:
      - The network of the engine that published instances are in, a bridge that it manages, with IPv6. The default is
        V(ipv6-incus) or V(ipv6-lxd), which the role P(ipv6.services.host#role) makes.
    type: str
  interface:
    description:
      - The interface of the LAN, for O(instances[].addressing=own). The default is that of the host's IPv6 default route.
    type: str
  threads:
    description: How many changes an engine gets at once.
    type: int
    default: 4
  purge:
    description:
      - Remove the instances that this collection made on this host, in any project of any engine that answers, and that are
        not in O(instances) any more, nor in O(keep). Others are never touched.
    type: bool
    default: false
  keep:
    description:
      - Names of services that O(purge) leaves alone although they are not in O(instances), as one that can't be changed
        now.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait for the address of an instance with a NIC of its own. One that runs already is waited for too, in
        check mode as well, since it may have started just now.
    type: float
    default: 60
  strict:
    description: Do nothing when any of O(instances) has a bad value.
    type: bool
    default: false
seealso:
  - module: ipv6.services.container
author:
  - ipv6.services maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Publish a container of Incus on a service address of the host
  ipv6.services.instance:
    instances:
      - name: web3
        address: 2001:db8::203
        image: debian/13/cloud
        image_server: https://images.linuxcontainers.org
        ports: [80]
        memory: 512M
        user_data: |
          #cloud-config
          packages: [nginx]

- name: Give a container a NIC on the LAN, with the address that the router's advertisement makes
  ipv6.services.instance:
    instances:
      - name: web4
        addressing: own
        address: auto
        image: debian/13
        image_server: https://images.linuxcontainers.org
  register: result

- name: Say the address that it took
  ansible.builtin.debug:
    msg: "{{ result.instances[0].address }}"

- name: Take a service of LXD away
  ipv6.services.instance:
    engine: lxd
    instances:
      - name: web5
        state: absent
"""

RETURN = r"""
instances:
  description: One for each service in the order of O(instances), then those purged, then those left alone for an error.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
      returned: always
      sample: web3
    instance:
      description: Name of its instance.
      type: str
      returned: success
      sample: web3
    engine:
      description: What runs it.
      type: str
      returned: always
      sample: incus
    project:
      description: Project of the engine.
      type: str
      returned: success
      sample: default
    action:
      description: What was done, or would be in check mode.
      type: str
      returned: always
      sample: created
    address:
      description: Its address. Of a removed one that which it had; none before a router's advertisement gave one.
      type: str
      returned: success
      sample: 2001:db8::203
    addresses:
      description: All its addresses that clients reach it at.
      type: list
      elements: str
      returned: success
      sample: [2001:db8::203]
    addressing:
      description: How it has its address.
      type: str
      returned: success
      sample: publish
    nat:
      description: Whether its ports are published by nat, so that it sees the client's address. None when nothing is published.
      type: bool
      returned: success
      sample: true
    image:
      description: The image.
      type: str
      returned: success
      sample: https://images.linuxcontainers.org/debian/13/cloud
    why:
      description: What was different, and what there is to know of it.
      type: list
      elements: str
      returned: success
      sample: ["limits.memory: 268435456 -> 536870912"]
    unknown:
      description: What can't be known before a run.
      type: list
      elements: str
      returned: in check mode, where there is such a thing
      sample: ["incus does not answer at /var/lib/incus/unix.socket yet, so what it has is not known"]
    error:
      description: Why it failed.
      type: str
      returned: when RV(instances[].action=failed)
      sample: "image: It is missing. Name the image by its alias, as debian/13, or its fingerprint."
problems:
  description: What is wrong with the entries, each with C(service), C(field), C(value), C(problem) and C(mend).
  returned: when there is something
  type: list
  elements: dict
  sample:
    - service: web3
      field: image
      value: "images:debian/13"
      problem: "'images:debian/13' has a remote of the command line in front."
      mend: "Write image: debian/13 and the URL of that server as image_server."
"""

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_report import problem_lines, sentence
from ansible_collections.ipv6.services.plugins.module_utils._instance_call import Call, Request, lxd_socket
from ansible_collections.ipv6.services.plugins.module_utils._instance_host import HostReader
from ansible_collections.ipv6.services.plugins.module_utils._instance_module import InstanceModule
from ansible_collections.ipv6.services.plugins.module_utils._instance_report import changed, diff, report
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import INSTANCE_ENGINES, INSTANCE_OPTIONS

ARGUMENTS = {
    "instances": {"type": "list", "elements": "dict", "default": [], "options": INSTANCE_OPTIONS},
    "engine": {"type": "str", "choices": list(INSTANCE_ENGINES), "default": "incus"},
    "incus_socket": {"type": "path", "default": "/var/lib/incus/unix.socket"},
    "lxd_socket": {"type": "path"},
    "network": {"type": "str"},
    "interface": {"type": "str"},
    "threads": {"type": "int", "default": 4},
    "purge": {"type": "bool", "default": False},
    "keep": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "float", "default": 60},
    "strict": {"type": "bool", "default": False},
}


def main() -> None:
    module = InstanceModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if module.params["threads"] < 1:
        module.fail_json(msg=f"threads is {module.params['threads']}. Give 1 or more.")
    call = Call(parse_request(module.params, module.check_mode), HostReader(module.run_command))
    call.parse()
    outcomes = []
    if not (call.errors and module.params["strict"]):
        call.read()
        outcomes = call.apply(call.plan())
    items = report(outcomes, call.errors, call.engines())
    result: dict[str, t.Any] = {"changed": changed(outcomes), "instances": items}
    if call.problems:
        result["problems"] = problem_lines(call.problems)
    if module._diff:
        result["diff"] = diff(outcomes)
    if any(item["action"] == "failed" for item in items):
        module.fail_json(msg=sentence(items), **result)
    module.exit_json(**result)


def parse_request(params: dict[str, t.Any], check_mode: bool) -> Request:
    return Request(
        entries=params["instances"],
        sockets={"incus": params["incus_socket"], "lxd": lxd_socket(params["lxd_socket"])},
        check_mode=check_mode,
        **{
            name: params[name]
            for name in ("engine", "network", "interface", "threads", "purge", "keep", "wait_timeout")
        },
    )


if __name__ == "__main__":
    main()
