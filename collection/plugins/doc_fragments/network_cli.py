# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the connection plug-in network_cli.

DOCUMENTATION and PERSISTENT have the names, types, defaults and sources of ansible.netcommon's own options, so that
every variable of an existing inventory goes on meaning what it meant. They are written out because a fragment that
imported them would make the documentation depend on another collection; a test compares the two.
"""

from __future__ import annotations


class ModuleDocFragment:
    # Same options as ansible.netcommon.network_cli.
    DOCUMENTATION = r"""
options:
  host:
    description:
      - Address or name of the device, as the broker's workers reach it.
    default: inventory_hostname
    type: string
    vars:
      - name: inventory_hostname
      - name: ansible_host
  port:
    type: int
    description:
      - TCP port of the device's SSH server.
    default: 22
    ini:
      - section: defaults
        key: remote_port
    env:
      - name: ANSIBLE_REMOTE_PORT
    vars:
      - name: ansible_port
  network_os:
    description:
      - Platform of the device. The terminal and cliconf plug-ins of this name, from the platform's own collection,
        speak to the device.
    type: string
    vars:
      - name: ansible_network_os
  remote_user:
    description:
      - Login name on the device. When it is not given, the name of the user that runs Ansible.
      - Can also be given on the command line (C(--user), C(-u)).
    type: string
    ini:
      - section: defaults
        key: remote_user
    env:
      - name: ANSIBLE_REMOTE_USER
    vars:
      - name: ansible_user
  password:
    description:
      - Login password on the device.
    type: string
    vars:
      - name: ansible_password
      - name: ansible_ssh_pass
      - name: ansible_ssh_password
  private_key_file:
    description:
      - File with an SSH private key on the Ansible side. Its content goes to the broker with the request, sealed there
        like a password.
    type: string
    ini:
      - section: defaults
        key: private_key_file
    env:
      - name: ANSIBLE_PRIVATE_KEY_FILE
    vars:
      - name: ansible_private_key_file
  become:
    type: boolean
    description:
      - Whether the privilege level is raised for the task, on platforms that have levels. Nothing happens when the
        login has the level already. Afterwards the session is back at the level of the login.
      - Can also be given on the command line (C(--become), C(-b)).
    default: false
    ini:
      - section: privilege_escalation
        key: become
    env:
      - name: ANSIBLE_BECOME
    vars:
      - name: ansible_become
  become_errors:
    type: str
    description:
      - What happens when raising the privilege level fails. V(ignore) goes on silently, V(warn) goes on with a warning,
        V(fail) fails the task.
    vars:
      - name: ansible_network_become_errors
    default: fail
    choices: ["ignore", "warn", "fail"]
  terminal_errors:
    type: str
    description:
      - What happens when setting up the terminal (paging, width) fails. V(ignore) goes on silently, V(warn) goes on
        with a warning, V(fail) fails the task.
    vars:
      - name: ansible_network_terminal_errors
    default: fail
    choices: ["ignore", "warn", "fail"]
    version_added: 0.1.0
  become_method:
    description:
      - How the privilege level is raised; C(enable) for network devices.
    default: sudo
    type: string
    ini:
      - section: privilege_escalation
        key: become_method
    env:
      - name: ANSIBLE_BECOME_METHOD
    vars:
      - name: ansible_become_method
  host_key_auto_add:
    type: boolean
    description:
      - Accepted so that inventories need no change; without effect, because the broker makes the SSH connection and
        checks host keys by its own settings.
    default: false
    ini:
      - section: paramiko_connection
        key: host_key_auto_add
    env:
      - name: ANSIBLE_HOST_KEY_AUTO_ADD
  persistent_buffer_read_timeout:
    type: float
    description:
      - The time, in seconds, to go on listening after a prompt was recognised, so that a line of output that looks like
        one is not taken for it. Up to V(0.1) it is the longest time, and the broker waits less where the device's own
        pace allows it. A higher value is waited for after each prompt. V(0) takes the first match.
    default: 0.1
    ini:
      - section: persistent_connection
        key: buffer_read_timeout
    env:
      - name: ANSIBLE_PERSISTENT_BUFFER_READ_TIMEOUT
    vars:
      - name: ansible_buffer_read_timeout
  terminal_stdout_re:
    type: list
    elements: dict
    description:
      - Regular expressions that recognise the prompt, instead of the terminal plug-in's. Each has C(pattern) and, where
        needed, C(flags), the name of a flag of Python's C(re) such as V(re.I).
    vars:
      - name: ansible_terminal_stdout_re
  terminal_stderr_re:
    type: list
    elements: dict
    description:
      - Regular expressions that recognise an error in a response, instead of the terminal plug-in's. Each has
        C(pattern) and, where needed, C(flags), the name of a flag of Python's C(re) such as V(re.I).
    vars:
      - name: ansible_terminal_stderr_re
  terminal_initial_prompt:
    type: list
    elements: string
    description:
      - Regular expressions for questions that the device asks right after the login, before its prompt.
    vars:
      - name: ansible_terminal_initial_prompt
  terminal_initial_answer:
    type: list
    elements: string
    description:
      - Answers to O(terminal_initial_prompt), in the same order; the first one where there are fewer answers than
        questions.
    vars:
      - name: ansible_terminal_initial_answer
  terminal_initial_prompt_checkall:
    type: boolean
    description:
      - Whether all questions of O(terminal_initial_prompt) must come, in order, instead of any one of them.
    default: false
    vars:
      - name: ansible_terminal_initial_prompt_checkall
  terminal_inital_prompt_newline:
    type: boolean
    description:
      - Whether RETURN is sent after an answer to O(terminal_initial_prompt).
    default: true
    vars:
      - name: ansible_terminal_initial_prompt_newline
  network_cli_retries:
    description:
      - How often opening a session is tried again when the broker cannot be reached or has no worker to give. The
        pauses are 2, 4, 8, ... seconds, and stop when their sum passes O(persistent_connect_timeout) or
        O(persistent_command_timeout). A command is never sent a second time.
    default: 3
    type: integer
    env:
      - name: ANSIBLE_NETWORK_CLI_RETRIES
    ini:
      - section: persistent_connection
        key: network_cli_retries
    vars:
      - name: ansible_network_cli_retries
  ssh_type:
    description:
      - Accepted so that inventories need no change; without effect, because neither library is used where Ansible runs.
    default: auto
    choices: ["libssh", "paramiko", "auto"]
    type: string
    env:
      - name: ANSIBLE_NETWORK_CLI_SSH_TYPE
    ini:
      - section: persistent_connection
        key: ssh_type
    vars:
      - name: ansible_network_cli_ssh_type
  host_key_checking:
    description:
      - Accepted so that inventories need no change; without effect, because the broker makes the SSH connection and
        checks host keys by its own settings.
    type: boolean
    default: true
    env:
      - name: ANSIBLE_HOST_KEY_CHECKING
      - name: ANSIBLE_SSH_HOST_KEY_CHECKING
    ini:
      - section: defaults
        key: host_key_checking
      - section: persistent_connection
        key: host_key_checking
    vars:
      - name: ansible_host_key_checking
      - name: ansible_ssh_host_key_checking
  single_user_mode:
    type: boolean
    default: false
    version_added: 0.1.0
    description:
      - Answers a command that was sent before in this playbook run from memory, until the device is configured. Only
        right when nobody else changes the device meanwhile.
    env:
      - name: ANSIBLE_NETWORK_SINGLE_USER_MODE
    vars:
      - name: ansible_network_single_user_mode
"""

    # Same options as ansible.netcommon's fragment connection_persistent.
    PERSISTENT = r"""
options:
  import_modules:
    type: boolean
    description:
      - Runs network modules inside the Ansible worker instead of packaging them and starting another Python for each.
    default: true
    ini:
      - section: ansible_network
        key: import_modules
    env:
      - name: ANSIBLE_NETWORK_IMPORT_MODULES
    vars:
      - name: ansible_network_import_modules
  persistent_connect_timeout:
    type: int
    description:
      - Bounds, in seconds, the pauses between attempts to open a session (see O(network_cli_retries)). With
        O(netpulse_helper_process) also the time without a request after which the helper process ends.
    default: 30
    ini:
      - section: persistent_connection
        key: connect_timeout
    env:
      - name: ANSIBLE_PERSISTENT_CONNECT_TIMEOUT
    vars:
      - name: ansible_connect_timeout
  persistent_command_timeout:
    type: int
    description:
      - Seconds a command may take until the device's prompt is back. After that the task fails and the session, whose
        state is then unknown, is closed.
    default: 30
    ini:
      - section: persistent_connection
        key: command_timeout
    env:
      - name: ANSIBLE_PERSISTENT_COMMAND_TIMEOUT
    vars:
      - name: ansible_command_timeout
  persistent_log_messages:
    type: boolean
    description:
      - Writes each command and each response to Ansible's log file (C(log_path)). Secrets that a device prints are
        written too.
    default: false
    ini:
      - section: persistent_connection
        key: log_messages
    env:
      - name: ANSIBLE_PERSISTENT_LOG_MESSAGES
    vars:
      - name: ansible_persistent_log_messages
"""

    # What the broker needs; same variables as the modules of this collection.
    SESSION = r"""
options:
  netpulse_broker_url:
    description:
      - Where the NetPulse broker listens, for example C(https://netpulse.example.net:9000).
    type: str
    default: http://127.0.0.1:9000
    env:
      - name: NETPULSE_URL
    vars:
      - name: netpulse_broker_url
  netpulse_api_key:
    description:
      - The API key of the broker.
    type: str
    env:
      - name: NETPULSE_API_KEY
    vars:
      - name: netpulse_api_key
  netpulse_validate_certs:
    description:
      - Whether the broker's TLS certificate must be valid.
    type: bool
    default: true
    env:
      - name: NETPULSE_VALIDATE_CERTS
    vars:
      - name: netpulse_validate_certs
  netpulse_ca_path:
    description:
      - File with the certificates that the broker's certificate is checked against, instead of the system's.
    type: path
    env:
      - name: NETPULSE_CA_PATH
    vars:
      - name: netpulse_ca_path
  netpulse_connect_timeout:
    description:
      - Seconds to wait for a connection to the broker.
    type: float
    default: 10
    vars:
      - name: netpulse_connect_timeout
  netpulse_driver:
    description:
      - The broker's driver that logs in and keeps the session. It must offer interactive sessions, as V(netmiko) does.
    type: str
    default: netmiko
    vars:
      - name: netpulse_driver
  netpulse_device_type:
    description:
      - The platform, in the driver's words, for example V(cisco_ios). Made from O(network_os) when not given.
    type: str
    vars:
      - name: netpulse_device_type
  netpulse_device:
    description:
      - Name of the device in the broker, where its address does not identify it. Everything with one name goes through
        one queue, in order.
    type: str
    vars:
      - name: netpulse_device
  netpulse_connection_args:
    description:
      - "Further connection arguments of the driver, for example C({conn_timeout: 20}). They win over everything that
        the other options say."
    type: dict
    vars:
      - name: netpulse_connection_args
  netpulse_private_key_passphrase:
    description:
      - Passphrase of O(private_key_file).
    type: str
    vars:
      - name: ansible_private_key_passphrase
      - name: ansible_ssh_private_key_passphrase
  netpulse_secret:
    description:
      - Secret that raises the privilege level (the enable secret). Part of what the broker tells kept sessions apart
        by, so that tasks with and without C(become) share one.
    type: str
    vars:
      - name: ansible_become_password
      - name: ansible_become_pass
      - name: ansible_enable_pass
  netpulse_ssh_host:
    description:
      - Address or name of the device, by the variable's older name. Wins over O(host).
    type: str
    vars:
      - name: ansible_ssh_host
  netpulse_ssh_port:
    description:
      - TCP port of the device, by the variable's older name. Wins over O(port).
    type: int
    vars:
      - name: ansible_ssh_port
  netpulse_ssh_user:
    description:
      - Login name on the device, by the variable's older name. Wins over O(remote_user).
    type: str
    vars:
      - name: ansible_ssh_user
  netpulse_ssh_private_key_file:
    description:
      - File with an SSH private key on the Ansible side, by the variable's older name. Wins over O(private_key_file).
    type: str
    vars:
      - name: ansible_ssh_private_key_file
  netpulse_priority:
    description:
      - Which jobs waiting for the same device go first.
    type: str
    choices: [interactive, normal, batch]
    default: normal
    vars:
      - name: netpulse_priority
  netpulse_session_wait:
    description:
      - Seconds a task waits for its turn at the device, at most V(600).
    type: float
    default: 120
    vars:
      - name: netpulse_session_wait
  netpulse_session_hold:
    description:
      - Seconds a task may keep the device to itself, V(1) to V(3600). A task that goes on longer (C(until) with many
        retries) takes its turn again at its next request; a request that is under way then fails.
    type: float
    default: 600
    vars:
      - name: netpulse_session_hold
  netpulse_session_heartbeat:
    description:
      - Seconds between signs of life while a task has the device. The broker takes the device back when three are
        missing, because then the task's process is gone.
      - A worker that outlives its playbook run gives the device back within two seconds, whatever this says.
    type: float
    default: 4
    vars:
      - name: netpulse_session_heartbeat
  netpulse_helper_process:
    description:
      - Serves the modules from Ansible's own connection helper process instead of from the Ansible worker, as
        ansible.netcommon's plug-in does. Slower; needed only for tasks with C(async) and C(poll) V(0), and chosen
        automatically, with a warning, where this version of ansible-core leaves no other way.
    type: bool
    default: false
    vars:
      - name: netpulse_helper_process
"""
