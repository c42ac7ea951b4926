"""What a login that asks questions is reported as, whichever thread hears of its end first."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import paramiko
import pytest

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import AuthenticationFailed, PasswordExpired
from netpulse_drivers.ssh.connect import SSHConnect
from netpulse_drivers.ssh.ssh_args import SSHArgs


class AskedInAnotherThread:
    """A client whose transport's thread ends at a question; the caller of ``connect`` hears of the end alone."""

    def __init__(self, login: SSHConnect, question: str) -> None:
        self._login = login
        self._question = question

    def set_missing_host_key_policy(self, policy: Any) -> None:
        """As paramiko's."""

    def connect(self, **options: Any) -> None:
        """The question is asked and refused, and the connection is gone."""
        with pytest.raises(AuthenticationFailed):
            self._login._answers("", "", [(self._question, True)])
        raise paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF")


@pytest.mark.parametrize(
    ("question", "error"),
    [("Verification code (6 digits): ", AuthenticationFailed), ("New password: ", PasswordExpired)],
)
def test_the_question_is_quoted(question: str, error: type[AuthenticationFailed], tmp_path: Path) -> None:
    args = SSHArgs(known_hosts="hosts", host_key_policy="off").model_copy(
        update={"known_hosts": str(tmp_path / "hosts")}
    )
    login = SSHConnect(args, host="r1", port=22, where="r1 port 22", password="first")
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(error, match=r"r1 port 22: the login .*" + question.partition(" (")[0].strip()):
        login.login(AskedInAnotherThread(login, question), ours, username="ops", deadline=Deadline.after(5))  # type: ignore[arg-type]
