"""The Telnet login dialogue: what the device sends before and between its questions, in the pieces it sends it in."""

from __future__ import annotations

import pytest

from netpulse_drivers.netmiko.event_driven import EventDriven, event_driven_class


class Dialogue:
    """A stream that sends its pieces one by one and goes on to the next answer after each line that is typed."""

    def __init__(self, *answers: list[bytes]) -> None:
        self._answers = [list(pieces) for pieces in answers]
        self.typed: list[bytes] = []

    def receive(self, timeout: float) -> bytes:
        return self._answers[0].pop(0) if self._answers[0] else b""

    def send(self, data: bytes, timeout: float) -> None:
        self.typed.append(data)
        self._answers.pop(0)

    def ended(self) -> str:
        return ""

    def close(self) -> None:
        pass


def log_in(dialogue: Dialogue) -> str:
    connection: EventDriven = event_driven_class("cisco_ios_telnet")(
        device_type="cisco_ios_telnet", host="192.0.2.1", username="admin", password="pw", auto_connect=False
    )
    connection.attach(dialogue)  # type: ignore[arg-type]  # a stand-in
    output: str = connection.telnet_login()
    return output


@pytest.mark.parametrize(
    "banner",
    [
        [],
        [b"\r\n"],
        [b"\r\n########################\r\n"],
        [b"\r\n# keep out #\r", b"\n"],
        [b"% this is r1>\r\n", b"[a notice]\r\n"],
        [b"########################\r\nUsername: alice only\r\n########################\r\n"],
    ],
)
def test_a_banner_in_a_piece_of_its_own_is_no_prompt(banner: list[bytes]) -> None:
    dialogue = Dialogue(
        [*banner, b"\r\nUser Access Verification\r\n\r\nUsername: "],
        [b"admin\r\nPassword: "],
        [b"\r\n", b"##### welcome #####\r\n", b"r1#"],
    )
    assert log_in(dialogue).endswith("r1#")
    assert dialogue.typed == [b"admin\r", b"pw\r"]


@pytest.mark.parametrize("prompt", [b"r1>", b"r1# ", b"user@host:~$ ", b"[edit]"])
def test_a_device_without_questions_is_at_its_prompt(prompt: bytes) -> None:
    dialogue = Dialogue([b"\r\nwelcome\r\n" + prompt])
    log_in(dialogue)
    assert dialogue.typed == []
