"""SSH negotiation whose failure can be explained, with the algorithms and the answers that a request gives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import paramiko

from netpulse_drivers.cut_connection import cut_connection
from netpulse_drivers.errors import AuthenticationFailed, LoginMethodUnavailable, PasswordExpired
from netpulse_drivers.ssh.login_text import asks_for_new_password

PreferHostKeys = Callable[[tuple[str, ...]], tuple[str, ...]]
"""Puts host key algorithms into the order to offer them in."""

IDLE_LOOK = 60.0
"""Seconds after which the transport's thread looks whether it shall end although nothing has come."""

END_WITHIN = 2.0
"""Seconds that the transport's thread has to end after its connection was cut."""

_KINDS = (
    # (name for people, our preference, key in the device's offer)
    ("key exchange", "kex", "kex_algo_list"),
    ("host key", "keys", "server_key_algo_list"),
    ("cipher", "ciphers", "client_encrypt_algo_list"),
    ("MAC", "macs", "client_mac_algo_list"),
    ("compression", "compression", "client_compress_algo_list"),
)


class Answers:
    """Answers a server's questions (RFC 4256), each hidden one by the password unless the request has a better answer.

    An answer is given once a login: a server that asks again has refused it.

    Attributes:
        refusal: why no answer was given. It is raised in the transport's thread, which ends with it; whoever waits for
            the login may hear of the end alone.
    """

    def __init__(self, given: Mapping[str, str], password: str | None) -> None:
        self._given = {question.casefold(): answer for question, answer in given.items()}
        self._password = password
        self._used: set[str] = set()
        self.refusal: AuthenticationFailed | None = None

    @property
    def has_password(self) -> bool:
        return self._password is not None

    def __call__(self, title: str, instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        """One round: the answers in the order of the questions.

        Raises:
            PasswordExpired: a new password is asked for, and the request has no answer to that.
            AuthenticationFailed: a question without an answer, or one that was answered already.
        """
        try:
            return self._round(title, instructions, questions)
        except AuthenticationFailed as refusal:
            self.refusal = refusal
            raise

    def _round(self, title: str, instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        asked = [" ".join(question.split()) for question, _ in questions]
        known = all(any(part in question.casefold() for part in self._given) for question in asked)
        if not known and any(asks_for_new_password(question) for question in asked):
            said = " ".join(f"{title} {instructions} {' '.join(asked)}".split())[:300]
            raise PasswordExpired(f"the login wants the password to be changed first, and no new one is typed: {said}")
        return [self._answer(" ".join(question.split()), shown=shown) for question, shown in questions]

    def _answer(self, question: str, *, shown: bool) -> str:
        folded = question.casefold()
        key = next((part for part in self._given if part in folded), None)
        if key is None and (shown or self._password is None):
            raise LoginMethodUnavailable(
                f"the login asks {question[:200]!r}, and keyboard_interactive has no answer to it"
            )
        if (key or "") in self._used:
            raise AuthenticationFailed(f"the login asks {question[:200]!r} again: the answer was refused")
        self._used.add(key or "")
        return self._given[key] if key is not None else self._password or ""


class ExplainedTransport(paramiko.Transport):
    """A transport that keeps the device's offer, and offers host key algorithms in a given order.

    paramiko 4 still has everything that old devices need (diffie-hellman-group14-sha1 and group1-sha1, ssh-rsa,
    aes-cbc, 3des-cbc, hmac-sha1 and hmac-md5), each behind the newer ones; nothing must be switched on.
    """

    offer: dict[str, list[str]] | None = None

    def __init__(
        self,
        sock: socket.socket,
        *,
        prefer_host_keys: PreferHostKeys | None = None,
        algorithms: Mapping[str, Sequence[str]] | None = None,
        answers: Answers | None = None,
        **options: Any,
    ) -> None:
        """As paramiko's.

        Args:
            algorithms: to offer instead of paramiko's own, by kind; names that it knows.
            answers: to the questions of a keyboard-interactive login.
        """
        super().__init__(sock, **options)
        self._answers = answers
        self._opening = threading.local()
        self._refusals: dict[int, tuple[int, str]] = {}
        for kind, names in (algorithms or {}).items():
            setattr(self, f"_preferred_{kind}", tuple(names))
        if prefer_host_keys is not None:
            options_of = self.get_security_options()
            options_of.key_types = prefer_host_keys(tuple(options_of.key_types))

    def rest(self) -> None:
        """The login is over: from now on this thread wakes when the device sends something, and hardly otherwise.

        paramiko looks ten times a second, which its login needs for its time-outs. A key exchange that is due begins
        with the next message, and ``stop_thread`` wakes the thread to end it.
        """
        self.sock.settimeout(IDLE_LOOK)

    def stop_thread(self) -> None:
        """As paramiko's, and the thread ends at once instead of with its next look.

        paramiko closes the descriptor under the thread. Its number may mean another connection a moment later, and a
        thread that was just about to wait would wait for that one. So the connection is cut, which the thread sees, and
        its end is waited for.
        """
        self.active = False
        if isinstance(self.sock, socket.socket):
            cut_connection(self.sock)
            if self is not threading.current_thread() and self.is_alive():
                self.join(END_WITHIN)
        super().stop_thread()

    def auth_password(
        self, username: str, password: str, event: threading.Event | None = None, fallback: bool = True
    ) -> list[str]:
        """As paramiko's, but a server that only asks questions gets the answers of the request.

        paramiko's own fall-back gives up at two questions; and where a login takes two steps it asks on the terminal.
        """
        if self._answers is not None and not self._answers.has_password:
            return self.auth_interactive(username, self._answers)
        try:
            return super().auth_password(username, password, event, fallback=False)
        except paramiko.BadAuthenticationType as error:
            if not fallback or self._answers is None or "keyboard-interactive" not in error.allowed_types:
                raise
            return self.auth_interactive(username, self._answers)

    def auth_interactive_dumb(self, username: str, handler: Any = None, submethods: str = "") -> list[str]:
        """The second step of a login, after a key or a password: no terminal is asked, the request has the answers."""
        answers = handler or self._answers
        if answers is None:
            raise paramiko.BadAuthenticationType("keyboard-interactive", [])
        return self.auth_interactive(username, answers, submethods)

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        self.offer = {key: list(parsed[key]) for _, _, key in _KINDS}
        return parsed

    def refusal(self) -> tuple[int, str] | None:
        """Reason (RFC 4254 section 5.1) and text of the refusal of the channel that this thread tried to open last.

        paramiko keeps one exception for all threads, so of two refusals at a time one is lost, and it drops the text.
        """
        return self._refusals.pop(getattr(self._opening, "channel", -1), None)

    def _next_channel(self) -> int:
        number: int = super()._next_channel()  # type: ignore[misc]
        self._opening.channel = number
        self._refusals.pop(number, None)
        return number

    def _parse_channel_open_failure(self, m: paramiko.Message) -> None:
        number, reason, text = m.get_int(), m.get_int(), m.get_text()
        self._refusals[number] = (reason, text)
        m.rewind()
        m.get_byte()  # the kind of message, read before
        super()._parse_channel_open_failure(m)  # type: ignore[misc]

    def explain(self) -> tuple[str, list[dict[str, Any]]]:
        """What does not match: one line for people, and both sides' lists of each kind without a common algorithm."""
        if self.offer is None:
            return "", []
        details = []
        for name, ours_by, theirs_by in _KINDS:
            ours = list(getattr(self, f"preferred_{ours_by}"))
            theirs = [algorithm for algorithm in self.offer[theirs_by] if not _is_flag(algorithm)]
            if not set(ours) & set(theirs):
                details.append({"kind": name, "device": theirs, "broker": ours})
        text = "; ".join(
            f"no common {entry['kind']}: the device offers {', '.join(entry['device']) or 'none'}, "
            f"we offer {', '.join(entry['broker']) or 'none'}"
            for entry in details
        )
        return text, details

    def agreed(self) -> dict[str, str]:
        """The algorithms in use, for a connection test."""
        theirs = self.offer["kex_algo_list"] if self.offer is not None else []
        return {
            "ssh_version": self.remote_version,
            "host_key": self.host_key_type or "",
            "cipher": getattr(self, "remote_cipher", ""),
            "mac": getattr(self, "remote_mac", ""),
            "kex": next((algorithm for algorithm in self.preferred_kex if algorithm in theirs), ""),
        }


def _is_flag(algorithm: str) -> bool:
    """Entries in the list that are no algorithms (RFC 8308; OpenSSH's strict key exchange)."""
    return algorithm.startswith(("ext-info-", "kex-strict-"))
