#!/usr/bin/python
# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible wants the documentation before the imports)
"""Documentation and argument check; the action plug-in of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config
version_added: 0.1.0
short_description: Change the configuration of network devices through the NetPulse broker
description:
  - Brings lines into the configuration of a network device, over the session that the NetPulse broker keeps open for
    it.
  - The broker reads the running configuration, compares, sends only what is missing and saves, all in B(one) job that
    keeps the device's order, so nothing of others comes between the look and the change.
  - The options mean what they mean in the vendors' C(*_config) modules.
author:
  - The NetPulse broker authors (!UNKNOWN)
extends_documentation_fragment:
  - netpulse.broker.broker
  - netpulse.broker.attributes
attributes:
  check_mode:
    support: full
    details:
      - The broker compares and reports what it would send; nothing is changed. The running configuration is read, and
        O(backup) is written.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(match=none), which always sends the lines, nor with O(save_when=always), which always saves.
      - Lines must be written as the device shows them in its running configuration; abbreviations never match.
options:
  lines:
    description:
      - Configuration lines, as the device shows them in its running configuration. An entry may hold several lines.
      - Instead of a list, a text of one or more lines; commas do not separate. The same holds for O(parents),
        O(before), O(after) and O(diff_ignore_lines).
    type: list
    elements: str
    aliases: [commands]
  src:
    description:
      - File with configuration, a Jinja2 template. A relative path is looked for where M(ansible.builtin.template)
        looks.
      - The hierarchy is read from the indentation, as in a running configuration. Empty lines and comments
        are left out, except inside a banner.
      - A template that renders to nothing, like empty O(lines), changes nothing and is no failure.
    type: str
  parents:
    description:
      - The section that the lines stand in, outermost first, for example C([interface Loopback0]).
    type: list
    elements: str
  before:
    description:
      - Lines to send first, if there is something to send at all.
    type: list
    elements: str
  after:
    description:
      - Lines to send last, if there is something to send at all.
    type: list
    elements: str
  match:
    description:
      - V(line) sends each line that is not there. V(strict) also wants them in this order. V(exact) wants them to be
        all
        that the section holds. V(none) sends all lines without looking.
    type: str
    choices: [line, strict, exact, none]
    default: line
  replace:
    description:
      - V(line) sends what is missing. V(block) sends the whole block of lines when one of them is missing.
    type: str
    choices: [line, block]
    default: line
  running_config:
    description:
      - Compare with this text instead of reading the running configuration from the device.
    type: str
    aliases: [config]
  diff_ignore_lines:
    description:
      - Regular expressions of lines that are left out of the comparison and of the diff.
    type: list
    elements: str
  save_when:
    description:
      - When the running configuration is written to the start-up configuration. V(changed) after a change by this task,
        V(modified) when the two differ, V(always), or V(never).
      - V(always), and V(modified) when they differed, are reported as a change.
    type: str
    choices: [always, never, modified, changed]
    default: never
  backup:
    description:
      - Whether the running configuration from before the change is written to a file on the Ansible side.
    type: bool
    default: false
  backup_options:
    description:
      - Where O(backup) is written.
    type: dict
    suboptions:
      filename:
        description:
          - Name of the file; when not given C(HOST_config.DATE@TIME).
        type: str
      dir_path:
        description:
          - Folder of the file; when not given C(backup) beside the playbook, or in the role that the task belongs to.
            It is made when missing.
        type: path
  comment:
    description:
      - Comment for the commit, on platforms that have one.
    type: str
notes:
  - A line that the device refuses ends the job there. The task fails with that line and the device's own text, and
    RV(commands) holds what had been applied.
  - Secrets in O(lines) or O(src) are yours to hide with C(no_log), as with every config module.
seealso:
  - module: netpulse.broker.command
"""

EXAMPLES = r"""
- name: Describe an interface, and save if that changed anything
  netpulse.broker.config:
    parents: interface GigabitEthernet0/1
    lines:
      - description uplink to core
    save_when: changed

- name: Replace an access list as a whole, and keep a copy of what was there
  netpulse.broker.config:
    parents: ip access-list extended EDGE-IN
    lines:
      - 10 permit tcp any any established
      - 20 deny ip any any
    before: no ip access-list extended EDGE-IN
    match: exact
    replace: block
    backup: true
    backup_options:
      dir_path: /srv/backups/{{ inventory_hostname }}

- name: Bring in a template
  netpulse.broker.config:
    src: branch.j2
    save_when: modified

- name: Save, whatever changed
  netpulse.broker.config:
    save_when: modified
"""

RETURN = r"""
commands:
  description: The lines that were sent, in order; in check mode, that would be sent.
  returned: when a job ran
  type: list
  elements: str
  sample: ["interface GigabitEthernet0/1", "description uplink to core"]
updates:
  description: The same as RV(commands), by the name that the vendors' modules also use.
  returned: when a job ran
  type: list
  elements: str
  sample: ["interface GigabitEthernet0/1", "description uplink to core"]
saved:
  description: Whether the running configuration was written to the start-up configuration.
  returned: when a job ran
  type: bool
  sample: true
diff:
  description: What the change did, or in check mode would do, to the running configuration.
  returned: in diff mode
  type: dict
  contains:
    prepared:
      description: The difference as text.
      type: str
backup_path:
  description: The file that the backup was written to.
  returned: when O(backup=true)
  type: str
  sample: /playbooks/backup/router1_config.2026-01-31@12:00:00
filename:
  description: Its name.
  returned: when O(backup=true) without C(filename) in O(backup_options)
  type: str
  sample: router1_config.2026-01-31@12:00:00
shortname:
  description: Its path without date and time.
  returned: when O(backup=true) without C(filename) in O(backup_options)
  type: str
  sample: /playbooks/backup/router1_config
date:
  description: The day of the backup.
  returned: when O(backup=true)
  type: str
  sample: "2026-01-31"
time:
  description: The time of the backup.
  returned: when O(backup=true)
  type: str
  sample: "12:00:00"
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
    CONFIG_ARGUMENTS,
    CONFIG_CONDITIONS,
    with_broker_arguments,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=with_broker_arguments(CONFIG_ARGUMENTS), supports_check_mode=True, **CONFIG_CONDITIONS
    )
    module.fail_json(msg=ACTION_PLUGIN_NEEDED.format("config"))


if __name__ == "__main__":
    main()
