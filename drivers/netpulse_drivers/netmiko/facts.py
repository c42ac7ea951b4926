"""What a connection test tells about a session."""

from __future__ import annotations

from typing import Any

from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.ssh.negotiation import ExplainedTransport
from netpulse_drivers.terminal.byte_stream import SSHStream


def device_info(session: NetmikoSession) -> dict[str, Any]:
    """Prompt, privilege, platform and, over SSH, the algorithms in use."""
    connection = session.connection
    facts: dict[str, Any] = {
        "device_type": connection.device_type,
        "prompt": session.prompt.text,
        "privileged": session.prompt.privileged if session.platform.privileged else None,
        "protocol": connection.protocol,
    }
    stream = connection.stream
    transport = stream.channel.get_transport() if isinstance(stream, SSHStream) else None
    if isinstance(transport, ExplainedTransport):
        facts["ssh"] = transport.agreed()
    return facts
