# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address, login and privilege of a task, in the place where platform plug-ins look for them.

ansible-core gives a connection its play context twice. The second one, which stays, it fills with the variables as they
stand in the inventory: templates are not rendered and vaulted values not decrypted. What a connection's options and the
become plug-in say is rendered, with the variables of the host that the task is delegated to, item by item of a loop.
"""

from __future__ import annotations

from typing import Any


def rendered_context(play_context: Any, connection: Any) -> Any:
    """A copy of ``play_context`` with what the connection's options say about address, login and privilege.

    Args:
        play_context: ansible-core's PlayContext.
        connection: the connection plug-in, whose options are set.
    """
    context = play_context.copy()
    option = connection.get_option
    context.network_os = option("network_os")
    context.remote_addr = option("netpulse_ssh_host") or option("host")
    context.port = option("netpulse_ssh_port") or option("port")
    context.remote_user = option("netpulse_ssh_user") or option("remote_user")
    context.password = option("password")
    context.private_key_file = (
        option("netpulse_ssh_private_key_file") or option("private_key_file") or _plain(play_context.private_key_file)
    )
    context.become = option("become")
    context.become_pass = _secret(connection) or _plain(play_context.become_pass)
    return context


def _secret(connection: Any) -> Any:
    """The secret that raises the privilege level, wherever it was given but on the command line alone."""
    become = getattr(connection, "become", None)
    if become is not None and become.has_option("become_pass"):
        secret = become.get_option("become_pass")
        if secret:
            return secret
    return connection.get_option("netpulse_secret")


def _plain(value: Any) -> str | None:
    """What the command line gave (``-K``, ``--private-key``), which only the play context has; no variable's text."""
    return value if isinstance(value, str) and "{{" not in value and "{%" not in value else None
