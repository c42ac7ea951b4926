"""Raised privilege of a shell, whose prompt then names another user, and the way back."""

from __future__ import annotations

import pytest

from netpulse_drivers import Call, Deadline
from netpulse_drivers.netmiko.login_state import return_to_login
from netpulse_drivers.netmiko.operation_args import NetmikoQueryArgs
from netpulse_drivers.netmiko.query import run_query
from tests.unit.drivers.scripted_cli import session_with

ASKS = "[sudo] password for admin: "


@pytest.mark.parametrize(
    ("user", "root"),
    [("admin@host:~$ ", "root@host:/home/admin# "), ("[admin@host ~]$ ", "[root@host admin]# ")],
)
def test_queries_as_root_and_as_the_user_follow_each_other(user: str, root: str) -> None:
    session, cli = session_with(
        "linux",
        user,
        {
            (user, "sudo -s"): ("", ASKS),
            (ASKS, "pw"): ("", root),
            (root, "id"): ("uid=0(root)\n", root),
            (root, "exit"): ("exit\n", user),
            (user, "id"): ("uid=1000(admin)\n", user),
        },
    )
    seen = []
    for enable in (True, True, None, None, True):
        with session.operation(Call(deadline=Deadline.after(5))):
            seen.append(run_query(session, "id", NetmikoQueryArgs(), call=Call(enable=enable), secret="pw").output)
        assert return_to_login(session, Call())
    session.close()
    assert seen == ["uid=0(root)", "uid=0(root)", "uid=1000(admin)", "uid=1000(admin)", "uid=0(root)"]
    as_root = ["sudo -s", "pw", "id", "exit"]
    assert cli.typed == [*as_root, *as_root, "id", "id", *as_root]
