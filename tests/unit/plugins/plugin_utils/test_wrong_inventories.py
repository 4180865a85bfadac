# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories that can't be meant, as YAML text that Ansible loads. Each gives one problem, which says where and what."""

from __future__ import annotations

import textwrap
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer

from .fleet import load, one_host, plan

WEB1 = "h1, web1, "
UNNAMED = "h1, ipv6_services[0], "


def case(text, *parts, id):  # noqa: A002
    """parts: the start of the problem's line, and what else is in it."""
    return pytest.param(text, parts, id=id)


def entry(text, head="name: web1\nimage: whoami:v1.11"):
    """The inventory of one host with one service."""
    body = textwrap.indent(f"{head}\n{textwrap.dedent(text)}".strip(), " " * 4).lstrip()
    return one_host(f"ipv6_services:\n  - {body}\n")


def address(text, what, id):  # noqa: A002
    return case(entry(f"address: {text}"), f"{WEB1}address: ", what, id=f"address: {id}")


def ports(text, what, id):  # noqa: A002
    return case(entry(f"ports: {text}"), f"{WEB1}ports", what, id=f"ports: {id}")


def name(text, start, what, id):  # noqa: A002
    return case(entry("", f"name: {text}\nimage: whoami:v1.11"), f"h1, {start}, name: ", what, id=f"name: {id}")


def host(text, field, what, id):  # noqa: A002
    return case(one_host(text), f"h1, {field}: ", what, id=f"host: {id}")


ADDRESSES = [
    address("192.0.2.1", "'192.0.2.1' is an IPv4 address.", "IPv4"),
    address("'::ffff:192.0.2.1'", "it is the IPv4 address 192.0.2.1 in IPv6 notation", "IPv4-mapped"),
    address("'::192.0.2.1'", "it is in ::/96, which is not routed", "IPv4-compatible"),
    address("fe80::1", "it is link-local", "link-local"),
    address("fe80::1%eth0", "has a zone", "scope id"),
    address("2001:db8::201%eth0", "has a zone", "a global one with a scope id"),
    address("ff0e::1", "it is a multicast address", "multicast"),
    address("'::1'", "it is the loopback address", "loopback"),
    address("'::'", "it is the wildcard address", "wildcard"),
    address("fec0::1", "it is site-local", "site-local"),
    address("100::1", "it is in the discard prefix", "discard"),
    address("2001:db8::201/64", "has a prefix length. Give the address alone: 2001:db8::201", "with a length"),
    address("'[2001:db8::201]'", "is in brackets", "in brackets"),
    address("2001:db8::zz", "is no IPv6 address", "not hexadecimal"),
    address("2001:db8:::1", "is no IPv6 address", "three colons"),
    address("1:2:3:4:5:6:7", "not an IPv6 address", "seven groups, which YAML reads as a number of base 60"),
    address("2001:0:0:0:0:0:0:1", "is of type int", "eight groups of digits, which YAML reads as a number of base 60"),
    address("yes", "is of type bool", "yes, which YAML reads as true"),
    address("2026-11-24", "is of type date", "a date"),
    address("0x20010db8", "is of type int", "a hexadecimal number"),
    address("[2001:db8::201]", "is of type list", "a list"),
    address("\n  '::1':", "is of type dict", "a colon behind it, which YAML reads as a dictionary"),
    address(
        "\n  - 2001:db8::", "is of type list", "two colons at the end, which YAML reads as a dictionary, in a list"
    ),
    address("{2001:db8::201}", "is of type dict", "in braces, which YAML reads as a dictionary"),
    address("'\uff12\uff10\uff10\uff11:db8::201'", "U+FF10, U+FF11, U+FF12. Type it in ASCII.", "full-width digits"),
    address("'2001:db8::\u0430'", "U+0430", "a Cyrillic letter"),
    address("'2001:db8\u2236:201'", "U+2236", "a ratio sign for a colon"),
    address("'2001:db8::201 '", "padded with spaces", "a space behind it"),
    address("''", "is empty", "empty"),
    address("2001:db8::201;reboot", "is no IPv6 address", "a shell command behind it"),
    address("'$(reboot)'", "is no IPv6 address", "a shell command"),
    address('"2001:db8::201\\n"', "padded with spaces", "a newline behind it"),
    address("'2001:db8::'", "stands for the routers of its prefix", "subnet-router anycast"),
    address("2001:db8:5::201", "is in no prefix of the host: h1 has 2001:db8::/64 on eth0.", "another network's"),
    address("2001:db8::1:1", "is an address that h1 has for itself", "the host's own"),
]

PORTS = [
    ports("[0]", "has the port 0", "0"),
    ports("[65536]", "65536 is above 65535", "65536"),
    ports("['65536']", "has the port 65536", "65536 as text"),
    ports("[-1]", "is no port", "below 0"),
    ports("[8.5]", "is no port", "a fraction"),
    ports("[true]", "True is no port", "true"),
    ports("[~]", "None is no port", "null"),
    ports("['443-80']", "a range that runs backwards. Write 80-443.", "a range backwards"),
    ports("['80-82:8080-8081']", "publishes 3 ports to 2 of the container", "ranges of unequal length"),
    ports(
        "\n  - 22:22", 'YAML reads from 22:22, as a number of base 60. Put it in quotes: "22:22"', "22:22 as base 60"
    ),
    ports("22:22", 'Put it in quotes: "22:22"', "22:22 as base 60, without a list"),
    ports("['80/icmp']", "names the protocol 'icmp'", "a protocol without ports"),
    ports("['80:']", "is no port", "nothing behind the colon"),
    ports("['192.0.2.1:80:80']", "has an IPv4 address", "on an IPv4 address"),
    ports("['[fe80::1]:80:80']", "it is link-local", "on a link-local address"),
    ports("['[::]:80:80']", "it is the wildcard address", "on all addresses"),
    ports("['[2001:db8::205]:80:80']", "is on an address that no service of h1 has", "on an address of nobody"),
    ports("[80, '80:8080']", "is published twice", "twice"),
    ports("['80; reboot']", "is no port", "a shell command"),
    ports("['\u0668\u0660']", "is no port", "Arabic digits"),
    ports("{80: 8080}", "a key that is not text", "a dictionary"),
]

NAMES = [
    case(entry("", "image: whoami:v1.11"), f"{UNNAMED}name: ", "It is missing.", id="name: missing"),
    name("~", "ipv6_services[0]", "It is missing.", "null"),
    name("''", "ipv6_services[0]", "a label is empty", "empty"),
    name("web_1", "web_1", "'web_1' can't be a label", "an underscore"),
    name("'-web'", "-web", "'-web' can't be a label", "a hyphen in front"),
    name("web..example.com", "web..example.com", "a label is empty", "two dots"),
    name("web1.example.com.", "web1.example.com.", "ends in a dot", "a dot at the end"),
    name("a" * 64, "a" * 64, "has 64 characters, 63 are the most", "a label of 64"),
    name("b\u00fccher", "b\u00fccher", "Write it as DNS does: 'xn--bcher-kva'", "IDN"),
    name("w\u0435b1", "w\u0435b1", "is not ASCII", "a Cyrillic letter"),
    name("'web 1'", "web 1", "'web 1' can't be a label", "a space"),
    name("'web1; reboot'", "web1; reboot", "can't be a label", "a shell command"),
    name("../../etc/passwd", "../../etc/passwd", "a label is empty", "a path"),
    name("'*.example.com'", "*.example.com", "'*' can't be a label", "a wildcard"),
    name("192.0.2.1", "192.0.2.1", "ends in a number, as an IPv4 address does", "an IPv4 address"),
    name("2001:db8::201", "2001:db8::201", "can't be a label", "an IPv6 address"),
    name("yes", "ipv6_services[0]", "True is of type bool, not a name", "yes, which YAML reads as true"),
    name("80", "ipv6_services[0]", "80 is of type int, not a name", "a number"),
    name("0777", "ipv6_services[0]", "511 is of type int, not a name", "an octal number"),
    name("12:30", "ipv6_services[0]", "750 is of type int, not a name", "a time, which YAML reads as base 60"),
    name("2026-11-24", "ipv6_services[0]", "is of type date, not a name", "a date"),
    name("1.5", "ipv6_services[0]", "1.5 is of type float, not a name", "a fraction"),
    name("[web1]", "ipv6_services[0]", "is of type list, not a name", "a list"),
    name("{web1: }", "ipv6_services[0]", "is of type dict, not a name", "a dictionary"),
    name("w", "w", "Docker takes no name of one character", "one character"),
]

ENTRIES = [
    host("ipv6_services: web1", "ipv6_services", "is of type str, not a list", "services are text"),
    host(
        "ipv6_services: {web1: {image: whoami}}",
        "ipv6_services",
        "is of type dict, not a list",
        "services are a dictionary",
    ),
    host("ipv6_services: 3", "ipv6_services", "is of type int, not a list", "services are a number"),
    case(one_host("ipv6_services: [web1]"), f"{UNNAMED[:-2]}: ", "is of type str, not a dictionary", id="entry: text"),
    case(one_host("ipv6_services: [[]]"), f"{UNNAMED[:-2]}: ", "is of type list, not a dictionary", id="entry: a list"),
    case(
        one_host("ipv6_services: [~]"), f"{UNNAMED[:-2]}: ", "is of type nothing, not a dictionary", id="entry: nothing"
    ),
    case(
        entry("adress: 2001:db8::201"),
        f"{WEB1}adress: There is no such option. Was address meant?",
        id="entry: a typing error",
    ),
    case(
        entry("published_ports: [80]"),
        f"{WEB1}published_ports: ",
        "Was ports meant?",
        id="entry: another module's option",
    ),
    case(entry("interface: eth0"), f"{WEB1}interface: ", "There is no such option.", id="entry: an option of the host"),
    case(entry("1: 2"), f"{WEB1}1: ", "There is no such option.", id="entry: a number as an option"),
    case(entry("on: off"), f"{WEB1}True: ", "There is no such option.", id="entry: on, which YAML reads as true"),
    case(
        entry("cap_add: [X]\ncapabilities: [Y]"),
        f"{WEB1}capabilities: ",
        "the same as cap_add",
        id="entry: an option twice",
    ),
    case(
        entry("state: running"), f"{WEB1}state: ", "'running' is none of started, stopped, absent", id="entry: no state"
    ),
    case(entry("state: off"), f"{WEB1}state: ", "False is not text", id="entry: off, which YAML reads as false"),
    case(
        entry("engine: rkt"),
        f"{WEB1}engine: ",
        "'rkt' is none of docker, podman, incus, lxd. Write one of those.",
        id="entry: no engine",
    ),
    case(entry("engine: 5"), f"{WEB1}engine: ", "5 is not text", id="entry: a number as engine"),
    case(entry("", "name: web1"), f"{WEB1}image: ", "It is missing.", id="entry: no image"),
    case(entry("", "name: web1\nimage: 1.29"), f"{WEB1}image: ", "1.29 is not text", id="entry: a number as image"),
    case(entry("", "name: web1\nimage: 'who ami'"), f"{WEB1}image: ", "who ami", id="entry: a space in the image"),
    case(entry("env: [A=hidden]"), f"{WEB1}env: ", "is of type list, not a dictionary", id="entry: env is a list"),
    case(entry("env: {DEBUG: yes}"), f"{WEB1}env.DEBUG: ", "The value of DEBUG is no text", id="entry: yes in env"),
    case(
        entry("secret_env: hidden"),
        f"{WEB1}secret_env: ",
        "is of type str, not a dictionary",
        id="entry: a secret as text",
    ),
    case(entry("secret_env: {'A B': hidden}"), f"{WEB1}secret_env: ", "name", id="entry: a secret with a wrong name"),
    case(
        entry("secretenv: {A: hidden}"),
        f"{WEB1}secretenv: ",
        "Was secret_env meant?",
        id="entry: a secret under a wrong option",
    ),
    case(
        entry("env: {yes: hidden}"), f"{WEB1}env: ", "It has a key that is not text", id="entry: yes as a name in env"
    ),
    case(entry("memory: lots"), f"{WEB1}memory: ", "'lots' is no size", id="entry: no size"),
    case(entry("cpus: many"), f"{WEB1}cpus: ", "is of type str, not a number", id="entry: no number"),
    case(entry("init: maybe"), f"{WEB1}init: ", "is of type str, not yes or no", id="entry: no boolean"),
    case(
        entry("restart_policy: never"),
        f"{WEB1}restart_policy: ",
        "'never' is none of no, on-failure",
        id="entry: no policy",
    ),
    case(entry("healthcheck: {interval: 5s}"), f"{WEB1}healthcheck: ", "It has no test", id="entry: no test"),
    case(
        entry("mounts: [{target: /d, typ: bind}]"),
        f"{WEB1}mounts: ",
        "no such option: typ. Was type meant?",
        id="entry: inner typo",
    ),
    case(entry("volumes: ['relative:/d:ro:x:y']"), f"{WEB1}volumes[0]: ", "relative:/d:ro:x:y", id="entry: no volume"),
]

INSTANCE = "name: web1\nimage: debian/13\nengine: incus"


def instance(text, field, *what, id):  # noqa: A002
    return case(entry(text, INSTANCE), f"{WEB1}{field}: ", *what, id=f"instance: {id}")


KINDS = [
    case(
        entry("addressing: own"),
        f"{WEB1}addressing: It is an option of instances, and the engine is docker.",
        "Leave it out, or give the service `engine: incus`.",
        id="kind: an option of instances",
    ),
    instance(
        "restart_policy: always",
        "restart_policy",
        "It is an option of containers, and the engine is incus.",
        "Leave it out, or give the service `engine: docker`.",
        id="an option of containers",
    ),
    case(
        entry("ipv6: x", INSTANCE),
        f"{WEB1}ipv6: ",
        "Was address meant?",
        id="kind: a name from elsewhere, for instances",
    ),
    case(
        one_host("ipv6_services_engine: lxd\nipv6_services: [{name: web1, image: debian/13, volumes: [/a:/b]}]"),
        f"{WEB1}volumes: It is an option of containers, and the engine is lxd.",
        id="kind: the engine of the host counts",
    ),
    case(
        entry("address: auto"),
        f"{WEB1}address: 'auto' is for instances with a NIC of their own.",
        id="kind: auto for a container",
    ),
    instance("address: auto", "address", "Add `addressing: own`, or say an address.", id="auto without a NIC"),
    case(
        one_host(
            "ipv6_services: [{name: a.b, image: x, engine: incus, address: '2001:db8::201'},"
            " {name: a-b, image: x, engine: incus, address: '2001:db8::202'}]"
        ),
        "h1, a-b, name: Its instance would be named a-b, as that of a.b is.",
        id="kind: two names that make one instance",
    ),
    case(
        one_host(
            "ipv6_services: [{name: web1, image: x, address: '2001:db8::201'},"
            " {name: web1, image: x, engine: incus, address: '2001:db8::202'}]"
        ),
        "h1, web1, name: h1 has another service web1, entry 1 of its list.",
        id="kind: one name for a container and an instance",
    ),
]

INSTANCES = [
    instance("devices: [/dev/fuse]", "devices", "is of type list, not a dictionary", id="devices as for a container"),
    instance("addressing: both", "addressing", "'both' is none of publish, own", id="no addressing"),
    instance("type: vm", "type", "'vm' is none of container, virtual-machine", id="no type"),
    instance("parent: 5", "parent", "5 is not text", id="a number as parent"),
    instance("user_data: {packages: [hidden]}", "user_data", "It is not text.", id="user_data is a dictionary"),
    instance("user_data: hidden", "user_data", "Begin it with #cloud-config", id="user_data without a header"),
    instance("cloud_init: hidden", "cloud_init", "Was user_data meant?", id="user_data under another name"),
    instance(
        "config: {limits.memory: 1GiB}\nmemory: 1g", "config", "limits.memory is what memory sets", id="a key twice"
    ),
    instance("config: hidden", "config", "is of type str, not a dictionary", id="config is text"),
    instance("project: 'a b'", "project", "'a b' is no name of a project", id="project"),
    instance("image_server: 'http://x'", "image_server", "It is no https URL", id="image server"),
    instance(
        "nat: true\nproxy_protocol: true", "proxy_protocol", "It can't be had with nat.", id="nat and proxy protocol"
    ),
    instance("ports: [80/sctp]", "ports", "can't publish sctp", id="sctp"),
    instance(
        "addressing: own\nports: ['443:8443']",
        "ports",
        "443:8443 leads to another port, and in front of a NIC of its own there is nobody to do so.",
        id="own: another port",
    ),
    instance(
        "addressing: own\nports: ['[2001:db8::205]:80:80']",
        "ports",
        "is on another address than that of the service's own NIC",
        id="own: another address",
    ),
    instance("addressing: own\nnat: true", "nat", "has nothing published", id="own: nat"),
    instance(
        "addressing: own\naddress: 2001:db8:5::201",
        "address",
        "2001:db8:5::201 is in no prefix of the host: eth0 has 2001:db8::/64.",
        id="own: another network's",
    ),
    instance("addressing: own\nparent: eth7", "parent", "eth7 is no network interface of h1", id="own: no link"),
    case(
        one_host(
            "ipv6_services_routed_prefixes: ['2001:db8:99::/64']\nipv6_services: [{name: web1, image: x, engine: incus,"
            " addressing: own, address: '2001:db8:99::1'}]"
        ),
        f"{WEB1}address: 2001:db8:99::1 is in a prefix that is routed to the host",
        id="instance: own: routed",
    ),
    case(
        one_host(
            "ipv6_services: [{name: web1, image: x, engine: incus, addressing: own, address: '2001:db8::201'},"
            " {name: web2, image: x, address: '2001:db8::202', ports: ['[2001:db8::201]:80:80']}]"
        ),
        "h1, web2, ports: [2001:db8::201]:80/tcp is on an address that no service of h1 has.",
        id="instance: own: a container on its address",
    ),
]

PODMAN = "name: web1\nimage: whoami\nengine: podman"
USERS = [
    case(
        entry("podman_user: app"),
        f"{WEB1}podman_user: It is for podman, and the engine is docker.",
        id="user: of Docker",
    ),
    case(entry("podman_user: 'a b'", PODMAN), f"{WEB1}podman_user: 'a b' is no user", id="user: a space"),
    case(entry("podman_user: 1000", PODMAN), f"{WEB1}podman_user: 1000 is not text", id="user: a number"),
    case(entry("podman_user: [app]", PODMAN), f"{WEB1}podman_user: ['app'] is not text", id="user: a list"),
    case(
        entry("rootless_user: app", PODMAN), f"{WEB1}rootless_user: ", "Was podman_user meant?", id="user: another name"
    ),
    case(entry("become_user: app", PODMAN), f"{WEB1}become_user: ", "Was podman_user meant?", id="user: become_user"),
    case(
        entry("podman_user: app\nports: [80/sctp]", PODMAN),
        f"{WEB1}ports: Rootless Podman forwards tcp and udp only.",
        id="user: sctp",
    ),
    case(
        one_host(
            "ipv6_services_podman_user: app\nipv6_services: [{name: web1, image: x, engine: podman, ports: [80/sctp]}]"
        ),
        f"{WEB1}ports: Rootless Podman forwards tcp and udp only.",
        id="user: sctp, with the user of the host",
    ),
    host("ipv6_services_podman_user: '../x'\nipv6_services: []", "ipv6_services_podman_user", "is no user", "user"),
    host(
        "ipv6_services_podman_user: 5\nipv6_services: []", "ipv6_services_podman_user", "is no user", "a number as user"
    ),
]

HOSTS = [
    host(
        "ipv6_services_domain: 'exa mple'\nipv6_services: []",
        "ipv6_services_domain",
        "'exa mple' can't be a label",
        "domain",
    ),
    host(
        "ipv6_services_domain: 5\nipv6_services: []", "ipv6_services_domain", "5 is of type int", "a number as domain"
    ),
    host("ipv6_services_engine: rkt\nipv6_services: []", "ipv6_services_engine", "'rkt' is no engine", "engine"),
    host(
        "ipv6_services_interface: 'eth0; reboot'",
        "ipv6_services_interface",
        "is no name of a network interface",
        "interface",
    ),
    host(
        "ipv6_services_interface: [eth0]",
        "ipv6_services_interface",
        "is no name of a network interface",
        "a list as interface",
    ),
    host(
        "ipv6_services_routed_prefixes: 2001:db8:9::/64",
        "ipv6_services_routed_prefixes",
        "is no list",
        "routed is text",
    ),
    host(
        "ipv6_services_routed_prefixes: ['2001:db8:9::']",
        "ipv6_services_routed_prefixes",
        "has no length",
        "routed has no length",
    ),
    host(
        "ipv6_services_prefix: 2001:db8::1/64",
        "ipv6_services_prefix",
        "Write 2001:db8::/64",
        "prefix with bits behind its length",
    ),
    host(
        "ipv6_services_prefix: 2001:db8::/128",
        "ipv6_services_prefix",
        "has no room for services",
        "prefix of one address",
    ),
    host("ipv6_services_prefix: 192.0.2.0/24", "ipv6_services_prefix", "is no IPv6 prefix", "IPv4 prefix"),
    host("ipv6_services_prefix: fe80::/64", "ipv6_services_prefix", "it is link-local", "link-local prefix"),
    host(
        "ipv6_services_prefix: 2001:db8::/64\nipv6_services_prefix_exclude: 2001:db8::1",
        "ipv6_services_prefix_exclude",
        "is no list",
        "exclude is text",
    ),
    host(
        "ipv6_services_prefix: 2001:db8::/64\nipv6_services_prefix_exclude: ['2001:db8::9-2001:db8::1']",
        "ipv6_services_prefix_exclude",
        "Write 2001:db8::1-2001:db8::9",
        "exclude backwards",
    ),
    host(
        "ipv6_services_prefix: 2001:db8:5::/64\nipv6_services: [{name: web1, image: whoami}]",
        "ipv6_services_prefix",
        "2001:db8:5::/64 is no part of a prefix of the host: h1 has 2001:db8::/64 on eth0.",
        "prefix that the host has not",
    ),
    host(
        "ipv6_services_prefix: 2001:db8::/48\nipv6_services: [{name: web1, image: whoami}]",
        "ipv6_services_prefix",
        "2001:db8::/48 is no part of a prefix",
        "prefix that is wider than the host's",
    ),
    host(
        "ipv6_services_interface: eth9\nipv6_services: [{name: web1, image: whoami}]",
        "ipv6_services_interface",
        "eth9 is no network interface of h1, which has eth0, lo.",
        "interface that is not there",
    ),
]

TEMPLATES = [
    case(
        entry("", "name: web1\nimage: '{{ nosuch }}'"),
        f"{WEB1}image: The template can't be resolved",
        "nosuch",
        id="an undefined variable",
    ),
    case(
        entry("", "name: web1\nimage: '{{ broken'"),
        f"{WEB1}image: The template can't be resolved",
        id="a broken template",
    ),
    case(entry("address: '{{ 1 / 0 }}'"), f"{WEB1}address: The template can't be resolved", id="a template that fails"),
    case(entry("ports: ['{{ 0 }}']"), f"{WEB1}ports[0]: ", "has the port 0", id="a template that gives nonsense"),
    case(
        entry("", "name: '{{ nosuch }}'\nimage: whoami"),
        f"{UNNAMED}name: The template",
        "nosuch",
        id="a name that is undefined",
    ),
    host(
        "ipv6_services: '{{ nosuch }}'", "ipv6_services", "The template can't be resolved", "a list that is undefined"
    ),
    host("ipv6_services: '{{ 3 }}'", "ipv6_services", "not a list", "a list that is a number"),
    host(
        "ipv6_services_prefix: '{{ nosuch }}'",
        "ipv6_services_prefix",
        "The template can't be resolved",
        "a prefix that is undefined",
    ),
]


def two_hosts(first, second):
    services = [textwrap.indent(textwrap.dedent(text), " " * 6) for text in (first, second)]
    return f"all:\n  hosts:\n    h1:\n{services[0]}\n    h2:\n{services[1]}\n"


def services(*entries):
    return "ipv6_services:\n" + "\n".join(f"  - {{image: whoami, {text}}}" for text in entries)


FLEETS = [
    case(
        two_hosts(
            services("name: web1, address: '2001:db8::201'"), services("name: web2, address: '2001:DB8:0::0201'")
        ),
        "h2, web2, address: 2001:db8::201 is the address of web1 on h1, too.",
        id="one address on two hosts",
    ),
    case(
        two_hosts(services("name: web1"), services("name: WEB1")),
        "h2, WEB1, name: web1 is the name of web1 on h1, too.",
        id="one name on two hosts",
    ),
    case(
        one_host(services("name: web1, address: '2001:db8::201'", "name: web1, address: '2001:db8::202'")),
        "h1, web1, name: h1 has another service web1, entry 1 of its list.",
        id="one name twice on a host",
    ),
    case(
        one_host(services("name: web1, address: '2001:db8::201'", "name: web2, address: '2001:db8::201'")),
        "h1, web2, address: 2001:db8::201 is the address of web1 on h1, too.",
        id="one address twice on a host",
    ),
    case(
        two_hosts(services("name: web1, address: '2001:db8::1:2'"), services()),
        "h1, web1, address: 2001:db8::1:2 is an address that h2 has for itself.",
        id="the address of another host",
    ),
    case(
        two_hosts(services("name: web1, address: '2001:db8::201'"), "ansible_host: 2001:db8::201"),
        "h1, web1, address: 2001:db8::201 is an address that h2 has for itself.",
        id="the address by which Ansible reaches a host",
    ),
    case(
        one_host(
            services(
                "name: web1, address: '2001:db8::201', ports: [80]",
                "name: web2, address: '2001:db8::202', ports: ['[2001:db8::201]:80:8080']",
            )
        ),
        "h1, web2, ports: [2001:db8::201]:80/tcp is published by web1 on h1, too.",
        id="a port twice on an address",
    ),
    case(
        two_hosts(
            services("name: web1, address: '2001:db8::201'"),
            services("name: web2, address: '2001:db8::202', ports: ['[2001:db8::201]:80:80']"),
        ),
        "h2, web2, ports: [2001:db8::201]:80/tcp is on an address that no service of h2 has.",
        id="a port on an address of another host",
    ),
    case(
        one_host("ipv6_services_prefix: 2001:db8::f:0/120\n" + services(*(f"name: n{i}" for i in range(128)))),
        "h1, ipv6_services_prefix: 2001:db8::f:0/120 has room for 127 services, and 128 want an address there.",
        id="a prefix that is too small",
    ),
]


ALL = [*ADDRESSES, *PORTS, *NAMES, *ENTRIES, *KINDS, *INSTANCES, *USERS, *HOSTS, *TEMPLATES, *FLEETS]


@pytest.mark.parametrize("text, parts", ALL)
def test_one_problem_that_says_where_and_what(tmp_path, text, parts):
    problems = plan(load(tmp_path, text)).problems
    lines = [problem.sentence() for problem in problems]
    assert len(lines) == 1, lines
    assert lines[0].startswith(parts[0])
    assert [part for part in parts if part not in lines[0]] == []
    assert problems[0].mend
    assert "hidden" not in repr(problems)


@pytest.mark.parametrize(
    "variables",
    [
        "ipv6_services_domain: 'exa mple'",
        "ipv6_services_domain: '{{ nosuch }}'",
        "ipv6_services_prefix: fe80::/64",
        "ipv6_services_prefix: '{{ nosuch }}'",
        "ipv6_services_prefix: 2001:db8::/64\nipv6_services_prefix_exclude: text",
    ],
)
def test_where_it_is_not_known_what_is_meant_no_address_is_looked_for(tmp_path, variables):
    inventory = load(tmp_path, one_host(f"{variables}\n{services('name: web1')}"))
    found = plan(inventory, {"web1": Answer("nxdomain"), "web1.example.com": Answer("nxdomain")})
    assert len(found.problems) == 1
    assert found.placed["h1"][0].address is None


def test_where_an_address_is_wrong_no_other_is_looked_for(tmp_path):
    found = plan(load(tmp_path, entry("address: fe80::1")), {"web1": Answer("nxdomain")})
    assert [problem.field for problem in found.problems] == ["address"]


FACTS = {
    "no default route": ("default_route: false", "h1, host: It has no IPv6 default route"),
    "no IPv6": ("prefixes: []\nhost_addresses: []", "h1, host: It has no IPv6."),
    "no such user": (
        "users: {app: {exists: false}}",
        "h1, web1, podman_user: h1 has no user app. Make it there first (useradd -m app), or name another.",
    ),
    "prefix on another interface": (
        "prefixes: [{prefix: '2001:db8::/64', interface: eth1}]",
        "h1, web1, address: 2001:db8::201 is in no prefix of the host: h1 has none on eth0.",
    ),
}


@pytest.mark.parametrize("text, start", FACTS.values(), ids=FACTS)
def test_what_the_host_lacks(tmp_path, text, start):
    usual = {
        "interface": "eth0",
        "default_route": "true",
        "links": "{eth0: {}, eth1: {}}",
        "prefixes": "[{prefix: '2001:db8::/64', interface: eth0}]",
        "host_addresses": "[{address: '2001:db8::1:1'}]",
    }
    usual.update(line.split(": ", 1) for line in text.splitlines())
    known = "ipv6_services_host:\n" + "".join(f"  {key}: {value}\n" for key, value in usual.items())
    inventory = one_host(known + services("name: web1, address: '2001:db8::201', engine: podman, podman_user: app"))
    lines = [problem.sentence() for problem in plan(load(tmp_path, inventory)).problems]
    assert len(lines) == 1, lines
    assert lines[0].startswith(start)


@pytest.mark.parametrize(
    "answer, message",
    [
        pytest.param(
            Answer("nxdomain", reason="S: NXDOMAIN"), "web1 has no IPv6 address. S: NXDOMAIN. Give it one", id="none"
        ),
        pytest.param(
            Answer("found", (IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2"))),
            "web1 has 2 IPv6 addresses, not one: 2001:db8::1, 2001:db8::2.",
            id="several",
        ),
        pytest.param(
            Answer("failed", reason="S: SERVFAIL"), "web1 can't be looked up: S: SERVFAIL. See to the name", id="failed"
        ),
        pytest.param(Answer("found", (IPv6Address("fe80::1"),)), "The AAAA record of web1: fe80::1", id="link-local"),
        pytest.param(
            Answer("found", (IPv6Address("2001:db8:5::1"),)), "is in no prefix of the host", id="another network"
        ),
    ],
)
def test_what_name_servers_say(tmp_path, answer, message):
    lines = [p.sentence() for p in plan(load(tmp_path, entry("")), {"web1": answer}).problems]
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{WEB1}name: ")
    assert message in lines[0]
