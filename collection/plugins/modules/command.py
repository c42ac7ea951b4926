#!/usr/bin/python
# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible wants the documentation before the imports)
"""Documentation and argument check; the action plug-in of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: command
version_added: 0.1.0
short_description: Run commands on network devices through the NetPulse broker
description:
  - Sends commands to a network device over the session that the NetPulse broker keeps open for it, and returns what the
    device says. No login takes place unless the broker has no session yet.
  - The task can wait until conditions on the outputs hold.
  - Works with every platform that the broker's driver knows; there is one module for all of them.
  - To change a device's configuration use M(netpulse.broker.config).
author:
  - The NetPulse broker authors (!UNKNOWN)
extends_documentation_fragment:
  - netpulse.broker.broker
  - netpulse.broker.attributes
attributes:
  check_mode:
    support: partial
    details:
      - Commands that only read (C(show), C(display), C(dir), C(ping), getters and the like) run in check mode as well.
      - A text that holds more than one command (several lines, C(;), C(&)) does not count as one that only reads.
      - Others are not sent; a warning names them, their outputs are empty and O(wait_for) is not looked at.
  diff_mode:
    support: N/A
    details:
      - There is nothing to compare.
  idempotent:
    support: N/A
    details:
      - The commands run each time. The task never reports a change.
options:
  commands:
    description:
      - The commands, in order. With the driver C(napalm) getters are commands as well.
      - Instead of a list, a text with a command in each line; commas do not separate. The same holds for O(wait_for).
      - An entry is a text, or a dict with the keys C(command), C(driver_args) and C(parsing), where C(driver_args) is
        merged over O(driver_args), and C(parsing) replaces O(parsing), for this command.
      - Neighbouring commands with the same arguments run as one job, so that nothing of others runs between them.
      - A command that asks a question needs its answer in the same job, as the next command, and C(expect_string) in
        O(driver_args) with a pattern that matches both the question and the prompt. A job that ends at an open question
        costs the session, because the broker never types to get out of one.
    type: list
    elements: raw
    required: true
  wait_for:
    description:
      - Conditions on the outputs, each C(KEY [not] OPERATOR VALUE). The commands are run again until they hold.
      - The key begins with C(result[N]), the output of the command N, counted from 0, or with C(parsed[N]), the parsed
        output, and goes on with C(.name), C(['name']) or C([N]) into structured data.
      - Operators are C(eq), C(neq), C(gt), C(ge), C(lt), C(le) (or C(==), C(!=), C(>), C(>=), C(<), C(<=)), C(contains)
        and C(matches), which takes a regular expression.
    type: list
    elements: str
    aliases: [waitfor]
  match:
    description:
      - Whether all conditions must have held, or any one of them.
    type: str
    choices: [all, any]
    default: all
  retries:
    description:
      - How often the commands are run again while O(wait_for) does not hold.
    type: int
    default: 9
  interval:
    description:
      - Seconds between two runs.
    type: float
    default: 1.0
  parsing:
    description:
      - "How the broker parses the outputs, handed on as it is, for example C({name: textfsm}). Needs a broker that
        parses;
        another one refuses the task and says so."
      - "With netmiko O(driver_args) can also ask for it, for example C({use_textfsm: true})."
    type: raw
notes:
  - A command that the device refuses fails the task, with the device's own text. The outputs of the commands before it
    are returned.
seealso:
  - module: netpulse.broker.config
"""

EXAMPLES = r"""
- name: Ask two things, in one job
  netpulse.broker.command:
    commands:
      - show version
      - show interfaces description

- name: Wait until BGP is up
  netpulse.broker.command:
    commands: show ip bgp summary
    wait_for:
      - result[0] not contains "Idle"
      - result[0] contains "192.0.2.1"
    retries: 20
    interval: 3

- name: Get structured data (the workers need ntc-templates)
  netpulse.broker.command:
    commands: show version
    driver_args:
      use_textfsm: true
  register: version

- name: Answer a question (question and answer in one job; the pattern matches the question and the prompt after it)
  netpulse.broker.command:
    commands:
      - copy running-config flash:before-upgrade
      - before-upgrade
    driver_args:
      expect_string: 'Destination filename|#\s*$'

- name: Say once for all tasks where the broker is
  hosts: routers
  gather_facts: false
  module_defaults:
    group/netpulse.broker.broker:
      broker_url: https://netpulse.example.net:9000
      api_key: "{{ vault_netpulse_api_key }}"
  tasks:
    - name: Ask over a connection of its own, beside the device's order
      netpulse.broker.command:
        commands: show clock
        queue_strategy: fifo
"""

RETURN = r"""
stdout:
  description:
    - What the device said, one entry for each command. Text, or structured data where the driver speaks such a
      protocol.
  returned: when a job ran
  type: list
  elements: raw
  sample: ["Cisco IOS Software, Version 15.2(4)M"]
stdout_lines:
  description: The texts of RV(stdout) split into lines.
  returned: when a job ran
  type: list
  elements: raw
  sample: [["Cisco IOS Software, Version 15.2(4)M"]]
parsed:
  description: The parsed outputs, one entry for each command; V(null) where there is none.
  returned: when at least one output was parsed
  type: list
  elements: raw
  sample: [[{"version": "15.2(4)M"}]]
failed_conditions:
  description: The conditions that did not hold.
  returned: when O(wait_for) did not come true
  type: list
  elements: str
  sample: ["result[0] contains Established"]
session_reused:
  description: Whether all jobs of the task ran on a session that was open before; no login was needed then.
  returned: when a job ran
  type: bool
  sample: true
job_id:
  description: Id of the (last) job on the broker, for C(GET /job/ID).
  returned: when a job ran
  type: str
  sample: 5f0c8a52-7f9a-4c57-8a3e-0f1d6a2b9c11
jobs:
  description: All jobs of the task, in order.
  returned: when a job ran
  type: list
  elements: dict
  contains:
    id:
      description: The job's id.
      type: str
    seq:
      description: Its position in the device's order; 0 for jobs that ran outside it.
      type: int
    status:
      description: Its final state, one of C(finished), C(failed), C(stopped), C(canceled).
      type: str
    outcome:
      description: One of C(ok), C(failed), C(unknown).
      type: str
    device:
      description: The device's name on the broker.
      type: str
    queue:
      description: The queue it waited in.
      type: str
    worker:
      description: The worker that ran it.
      type: str
    queue_time:
      description: Seconds it waited.
      type: float
    duration:
      description: Seconds it ran.
      type: float
    session_reused:
      description: Whether it ran on a session that was open before.
      type: bool
outcome:
  description:
    - V(unknown) when a worker was lost while it ran the job, so that nobody knows what the device did. Look before you
      repeat.
  returned: when the outcome of a job is not known
  type: str
  sample: unknown
error:
  description: What went wrong.
  returned: on failure of a job or of the request to the broker
  type: dict
  contains:
    code:
      description:
        - A stable name to test for, for example C(command_refused), C(authentication_failed), C(device_unreachable),
          C(worker_lost), or of this side C(broker_unreachable), C(outcome_unknown), C(job_unfinished).
      type: str
    phase:
      description:
        - Where it happened, one of C(validate), C(queue), C(connect), C(auth), C(privilege), C(execute), C(parse), or
          C(broker) for what happened between Ansible and the broker.
      type: str
    retryable:
      description: Whether the same task may succeed later without being changed.
      type: bool
    message:
      description: What went wrong, in one line.
      type: str
    device_output:
      description: The device's own text.
      type: str
    details:
      description: Further facts.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netpulse.broker.plugins.module_utils._argument_spec import (
    ACTION_PLUGIN_NEEDED,
    COMMAND_ARGUMENTS,
    with_broker_arguments,
)


def main() -> None:
    module = AnsibleModule(argument_spec=with_broker_arguments(COMMAND_ARGUMENTS), supports_check_mode=True)
    module.fail_json(msg=ACTION_PLUGIN_NEEDED.format("command"))


if __name__ == "__main__":
    main()
