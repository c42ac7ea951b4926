# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what each module supports (check mode, diff mode, ...)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the device has not been changed by someone else in between.
  action:
    description:
      - Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
    details:
      - The action plugin does all the work, on the Ansible side. No connection plugin is used, nothing is copied
        anywhere.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  delegation:
    description: Can be used in conjunction with C(delegate_to) and related keywords.
    support: full
    details:
      - Delegated to another device, the task addresses that device with its variables.
      - Delegated to C(localhost) or another host of the C(local) connection, it still addresses the inventory host.
  action_group:
    description: Use C(group/netpulse.broker.broker) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - netpulse.broker.broker
"""
