"""What a device that is a dialogue needs of a platform: accounts, and nothing to configure."""

from __future__ import annotations

from .config_store import PrintStyle
from .device import Device
from .dialogue_file import Dialogue
from .platform import Pager, Platform


def _check_password(device: Device, username: str, password: str) -> int | None:
    accounts = [
        (device.spec.username, device.spec.password),
        *((one.username, one.password) for one in device.spec.logins),
    ]
    return 1 if (username, password) in accounts else None


def dialogue_platform(dialogue: Dialogue) -> Platform:
    """The platform of one device."""
    return Platform(
        name=dialogue.platform,
        prompts={},
        commands=(),
        config={},
        controls=(),
        parameters={},
        style=PrintStyle(indent=""),
        pager=Pager(),
        reject=lambda rejection, width: "",
        factory=lambda spec: "",
        show_config=lambda device, tree: "",
        check_password=_check_password,
        check_secret=lambda device, secret: None,
        bad_secret="",
        no_secret="",
        ssh_version=dialogue.ssh_version,
    )
