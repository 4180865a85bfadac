# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._fleet import podman_users

from .fleet import load, one_host, plan

BASE = """
ipv6_services:
  - name: web1
    image: "whoami:{{ tag }}"
"""


def read(tmp_path, text, **options):
    return load(tmp_path, one_host(text), **options).read("h1")


def test_templates_are_resolved(tmp_path):
    variables, problems = read(tmp_path, f"tag: v1\n{BASE}")
    assert problems == []
    assert variables["ipv6_services"] == [{"name": "web1", "image": "whoami:v1"}]


def test_variables_of_the_play_hold_for_its_hosts(tmp_path):
    variables, problems = read(tmp_path, BASE, play_vars={"tag": "v2", "ipv6_services_domain": "example.com"})
    assert problems == []
    assert variables["ipv6_services"][0]["image"] == "whoami:v2"
    assert variables["ipv6_services_domain"] == "example.com"


def test_variables_of_the_play_hold_for_hosts_beyond_the_limit(tmp_path):
    text = "all:\n  hosts:\n    h1: {ipv6_services_domain: '{{ d }}'}\n    h2: {}\n"
    inventory = load(tmp_path, text, play_vars={"d": "example.com"}, limit="h2")
    assert inventory.names() == ["h1", "h2"]
    assert inventory.read("h1")[0]["ipv6_services_domain"] == "example.com"


def test_variables_of_the_play_do_not_hold_for_other_hosts(tmp_path):
    text = "all:\n  hosts:\n    h1: {}\n    aside: {ipv6_services_domain: example.org}\n"
    inventory = load(tmp_path, text, play_vars={"ipv6_services_domain": "example.com"})
    assert inventory.read("aside")[0]["ipv6_services_domain"] == "example.org"


def test_a_whole_list_may_be_a_template(tmp_path):
    variables, problems = read(
        tmp_path,
        "common: [{name: a1, image: x}]\nipv6_services: \"{{ common + [{'name': inventory_hostname, 'image': 'y'}] }}\"\n",
    )
    assert problems == []
    assert [s["name"] for s in variables["ipv6_services"]] == ["a1", "h1"]


def test_variables_of_other_hosts_may_be_in_templates(tmp_path):
    text = "all:\n  hosts:\n    h1: {ipv6_services_domain: \"{{ hostvars['h2'].d }}\"}\n    h2: {d: example.com}\n"
    assert load(tmp_path, text).read("h1")[0]["ipv6_services_domain"] == "example.com"


def test_what_is_omitted_is_as_if_it_were_not_there(tmp_path):
    text = """
    ipv6_services_prefix: "{{ nosuch | default(omit) }}"
    ipv6_services:
      - {name: web1, image: x, address: "{{ nosuch | default(omit) }}"}
    """
    variables, problems = read(tmp_path, text)
    assert problems == []
    assert "ipv6_services_prefix" not in variables
    assert variables["ipv6_services"] == [{"name": "web1", "image": "x"}]


SECRETS = """
ipv6_services:
  - name: web1
    image: x
    secret_env: {PASSWORD: "{{ lookup('pipe', 'touch MARKER') }}", PLAIN: hidden}
    env: {TOKEN: "{{ nosuch }}", MODE: fast}
    labels: "{{ nosuch }}"
"""


def test_secrets_are_not_resolved(tmp_path):
    marker = tmp_path / "marker"
    variables, problems = read(tmp_path, SECRETS.replace("MARKER", str(marker)))
    assert problems == []
    assert not marker.exists()
    assert variables["ipv6_services"][0]["secret_env"] == {"PASSWORD": "", "PLAIN": "hidden"}
    assert variables["ipv6_services"][0]["env"] == {"TOKEN": "", "MODE": "fast"}
    assert variables["ipv6_services"][0]["labels"] == {}


def test_secrets_that_are_encrypted_need_no_password(tmp_path):
    vault = "$ANSIBLE_VAULT;1.1;AES256\n" + "\n".join(["3" * 80] * 2)
    text = "ipv6_services:\n  - name: web1\n    image: x\n    secret_env:\n      A: !vault |\n" + textwrap.indent(
        vault, " " * 8
    )
    variables, problems = read(tmp_path, f"{text}\n")
    assert problems == []
    assert variables["ipv6_services"][0]["secret_env"] == {"A": ""}


def test_an_option_that_is_encrypted_and_has_no_password_is_a_problem(tmp_path):
    vault = "$ANSIBLE_VAULT;1.1;AES256\n" + "\n".join(["3" * 80] * 2)
    text = "ipv6_services:\n  - name: web1\n    image: !vault |\n" + textwrap.indent(vault, " " * 6)
    _variables, problems = read(tmp_path, f"{text}\n")
    assert [(p.host, p.service, p.field) for p in problems] == [("h1", "web1", "image")]


def test_every_template_that_is_wrong_is_told_and_the_other_entries_are_read(tmp_path):
    text = """
    ipv6_services:
      - {name: web1, image: "{{ nosuch }}", address: "{{ other }}"}
      - {name: web2, image: x, ports: [0]}
      - {name: web3, image: "{{ nosuch }}"}
    """
    problems = plan(load(tmp_path, one_host(text))).problems
    assert [(p.service, p.field) for p in problems] == [
        ("web1", "image"),
        ("web1", "address"),
        ("web2", "ports[0]"),
        ("web3", "image"),
    ]


def test_the_facts_are_not_templates(tmp_path):
    """What a host says of itself is never run on the controller."""
    variables, _problems = read(tmp_path, "ipv6_services_host: {interface: \"{{ lookup('pipe', 'id') }}\"}\n")
    assert variables["ipv6_services_host"] == {"interface": "{{ lookup('pipe', 'id') }}"}


@pytest.mark.parametrize("text", ["{}", "ipv6_services: []", "ipv6_services: ~"])
def test_hosts_without_services_are_no_problem(tmp_path, text):
    assert plan(load(tmp_path, one_host(text)), known=False).problems == ()


def test_where_ansible_reaches_a_host_is_no_reason_to_refuse_the_fleet(tmp_path):
    variables, problems = read(
        tmp_path, "ansible_host: '{{ only_its_own_play_knows }}'\nipv6_services_domain: example.com"
    )
    assert problems == []
    assert "ansible_host" not in variables
    assert variables["ipv6_services_domain"] == "example.com"


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("{}", [], id="nothing"),
        pytest.param("ipv6_services_podman_user: app", ["app"], id="of the host"),
        pytest.param("ipv6_services_podman_user: root", [], id="root"),
        pytest.param(
            "who: web\nipv6_services: [{podman_user: '{{ who }}'}, {podman_user: app}, {podman_user: app}, {name: x}]",
            ["app", "web"],
            id="of entries, once each",
        ),
        pytest.param(
            "ipv6_services: [{podman_user: '{{ nosuch }}'}, {podman_user: app, image: '{{ nosuch }}'}]",
            ["app"],
            id="what can't be resolved is left out",
        ),
        pytest.param("ipv6_services: \"{{ [{'podman_user': 'app'}] }}\"", ["app"], id="of a list that is a template"),
        pytest.param("ipv6_services: '{{ nosuch }}'\nipv6_services_podman_user: app", ["app"], id="of no list"),
        pytest.param("ipv6_services: [text, 5, {podman_user: 5}, {podman_user: [a]}, ~]", [], id="odd entries"),
        pytest.param("ipv6_services: text", [], id="text"),
    ],
)
def test_podman_users(tmp_path, text, expected):
    inventory = load(tmp_path, one_host(text))
    raw = inventory.hostvars.raw_get("h1")
    assert podman_users(raw, inventory.templar.copy_with_new_env(available_variables=raw)) == expected


def test_user_data_may_be_a_secret_too(tmp_path):
    text = """
    ipv6_services:
      - {name: web1, engine: incus, image: x, address: 2001:db8::201, user_data: "{{ nosuch }}", config: {a: "{{ nosuch }}"}}
    """
    assert plan(load(tmp_path, one_host(text))).problems == ()
