# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say where the broker is, which device is meant and how its job is queued."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  broker_url:
    description:
      - Where the NetPulse broker listens, for example C(https://netpulse.example.net:9000).
      - Taken from the variable C(netpulse_broker_url), then the environment variable E(NETPULSE_URL), when not given.
      - When none of them says anything, V(http://127.0.0.1:9000) is used.
    type: str
  api_key:
    description:
      - The API key of the broker.
      - Taken from the variable C(netpulse_api_key), then the environment variable E(NETPULSE_API_KEY), when not given.
    type: str
  validate_certs:
    description:
      - Whether the broker's TLS certificate must be valid.
      - Taken from the variable C(netpulse_validate_certs), then the environment variable E(NETPULSE_VALIDATE_CERTS),
        when not given; else V(true).
    type: bool
  ca_path:
    description:
      - File with the certificates that the broker's certificate is checked against, instead of the system's.
      - Taken from the variable C(netpulse_ca_path), then the environment variable E(NETPULSE_CA_PATH), when not given.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection to the broker.
      - Taken from the variable C(netpulse_connect_timeout) when not given; else V(10).
    type: float
  driver:
    description:
      - The driver the broker speaks to the device with, by its name there (for example V(netmiko), V(napalm), V(pyeapi)
        or a plug-in's).
      - Taken from the variable C(netpulse_driver) when not given; else V(netmiko).
    type: str
  device_type:
    description:
      - The platform, in netmiko's words, for example V(cisco_ios).
      - Taken from the variable C(netpulse_device_type), then made from C(ansible_network_os) when not given.
        V(cisco.ios.ios) and V(ios) both become V(cisco_ios), and so on; a name without a dot that is not in the table
        is
        passed on as it is.
      - With a driver other than V(netmiko) and V(napalm) it is sent only when given here or as C(netpulse_device_type).
    type: str
  host:
    description:
      - Address or name of the device as the broker's workers reach it.
      - Taken from C(ansible_host), else the inventory name, when not given.
    type: str
  port:
    description:
      - TCP port of the device.
      - Taken from C(ansible_port) or C(ansible_ssh_port) when not given (with the driver V(pyeapi) from
        C(ansible_httpapi_port)); else the protocol's own port.
    type: int
  username:
    description:
      - Login name on the device.
      - Taken from C(ansible_user) or C(ansible_ssh_user), then the task's C(remote_user) (or C(-u)), when not given.
    type: str
  password:
    description:
      - Login password on the device.
      - Taken from C(ansible_password), C(ansible_ssh_pass) or C(ansible_ssh_password), then the answer to C(-k), when
        not given.
    type: str
  secret:
    description:
      - Secret that raises the privilege level (the enable secret).
      - Taken from C(ansible_become_password), C(ansible_become_pass) or C(ansible_enable_pass), then the answer to
        C(-K),
        when not given.
    type: str
  private_key_file:
    description:
      - File with an SSH private key, B(on the Ansible side). Its content is sent to the broker with the job, sealed
        there
        like a password, so the workers need no copy of it.
      - Taken from C(ansible_ssh_private_key_file) or C(ansible_private_key_file), then C(--private-key), when not
        given.
      - "For a key that the broker offers under a name set O(connection_args) to C({key_file: NAME}) instead."
    type: path
  private_key_passphrase:
    description:
      - Passphrase of O(private_key_file).
      - Taken from C(ansible_private_key_passphrase) or C(ansible_ssh_private_key_passphrase) when not given.
    type: str
  connection_args:
    description:
      - "Further connection arguments of the driver, for example C({keepalive: 60, fast_cli: true}). They win over
        everything that the other options and variables say."
      - Taken from the variable C(netpulse_connection_args) when not given.
    type: dict
  driver_args:
    description:
      - "Arguments of the driver's operation, for example C({read_timeout: 60}) or C({use_textfsm: true}) with netmiko."
      - With netmiko C(read_timeout) is taken from C(ansible_command_timeout) when that variable is set.
    type: dict
  device:
    description:
      - Name of the device in the broker, where its address does not identify it. Everything with one name goes through
        one queue, in order.
      - Taken from the variable C(netpulse_device) when not given; else the broker uses the address.
    type: str
  enable:
    description:
      - Whether the privilege level is raised before the commands run.
      - Taken from the variable C(netpulse_enable) when not given; V(true) when the task or host has C(become) set with
        C(become_method=enable); else the driver decides.
    type: bool
  answers:
    description:
      - Questions that the commands or lines may ask, and what is typed then.
      - A question that nobody announced fails the task and closes the session; nothing is typed into it.
    type: list
    elements: dict
    suboptions:
      question:
        description: Regular expression that is searched in the line on which the device waits.
        type: str
        required: true
      answer:
        description: What is typed, with RETURN behind it; nothing but RETURN by default.
        type: str
        default: ''
      secret:
        description: The answer is a secret. It is masked in messages and in the invocation.
        type: bool
        default: false
      once:
        description:
          - V(true) answers once in the job; a question that is asked again stays open and fails the task.
          - By default a question is answered as often as it is asked, a secret once for each command.
        type: bool
  queue_strategy:
    description:
      - V(pinned) runs the job on the device's kept session, in order. V(fifo) connects for this job alone; a change
        still
        takes its turn in the device's order.
      - Taken from the variable C(netpulse_queue_strategy) when not given; else the driver's default.
    type: str
    choices: [pinned, fifo]
  priority:
    description:
      - Which jobs waiting for the same device go first.
      - Taken from the variable C(netpulse_priority) when not given; else V(normal).
    type: str
    choices: [interactive, normal, batch]
  ttl:
    description:
      - Seconds the job may wait for its turn; then it fails without having been executed.
      - Taken from the variable C(netpulse_ttl) when not given; else the broker's default (300).
    type: int
  timeout:
    description:
      - Seconds the job may run once its turn has come.
      - Taken from the variable C(netpulse_timeout) when not given; else the broker's default (60).
    type: float
notes:
  - Works with every connection setting, because none is used. Set C(gather_facts) to C(false) for network devices.
  - "Ansible's words for failures: a device that cannot be reached or that refuses the login is UNREACHABLE
    (C(ignore_unreachable) works); everything else is FAILED, a broker that does not answer included, because then
    nothing
    is known about the device."
  - Passwords, secrets, keys and the API key are masked in messages, errors and the invocation. What a device
    itself
    prints and the lines of a change are returned as they are; set C(no_log) on a task whose output is secret.
  - The broker is addressed directly; proxies named in the environment are not used.
"""
