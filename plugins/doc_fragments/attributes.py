# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules say about check mode, diff mode and the like, said once."""

from __future__ import annotations


class ModuleDocFragment:
    """`ipv6.services.attributes` describes each attribute; its parts fill in how far a module supports it."""

    # The module says itself how far it supports each.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and returns what a run would change, without changing the target.
  diff_mode:
    description: Returns what was changed, or in check mode would be, when it runs in C(diff) mode.
  idempotent:
    description: A second run with the same arguments changes nothing.
"""

    # For modules that change the host they run on.
    HOST = r"""
options: {}
attributes:
  platform:
    description: Target systems on which the module runs.
    support: full
    platforms: linux
requirements:
  - Linux with Python 3.9 or later
"""

    # For modules that read only.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - Changes nothing, so check mode is the same.
  diff_mode:
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    support: full
    details:
      - Changes nothing.
"""

    # For modules that can be in a play with `module_defaults: {group/ipv6.services.services: ...}`.
    ACTIONGROUP_SERVICES = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/ipv6.services.services) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - ipv6.services.services
"""

    # For action plugins that run on the controller.
    CONTROLLER = r"""
options: {}
attributes:
  action:
    description: Has an action plugin, which runs on the controller.
    support: full
  connection:
    description: Uses the target's connection to run code on it.
    support: none
  delegation:
    description: Can be used with C(delegate_to).
    support: none
    details:
      - It runs on the controller, whatever C(delegate_to) says.
  bypass_host_loop:
    description: Runs once for all hosts of the play.
    support: none
    details:
      - Set C(run_once) on the task.
"""
