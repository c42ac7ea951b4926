"""What devices say at a login that leads to no prompt: the password has expired, all sessions are taken.

Data: expressions for a line of the login's text, searched without regard to case.
"""

from __future__ import annotations

import re

_EXPIRED = re.compile(
    r"^[^\n]{0,120}(?:"
    r"password (?:has |is )?(?:now )?expired"
    r"|expired password"
    r"|(?:must|need to|needs to|required to|forced to|have to) (?:change|be changed)[^\n]{0,40}password"
    r"|(?:must|required to|forced to|have to) (?:change|reset|set) (?:your|the|a new)[^\n]{0,20} password"
    r"|password (?:must|needs to|has to) be (?:changed|reset)"
    r"|(?:please )?change your password (?:now|before|immediately|and)"
    r"|(?:your )?password change (?:is )?required"
    r"|authentication token is no longer valid"
    r")[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)

_NEW_PASSWORD = re.compile(
    r"^[^\n]{0,60}(?:"
    r"(?:new|current|old)(?: \(?\w+\)?)? password"
    r"|\(current\) (?:unix|ldap)? ?password"
    r")[^\n]{0,60}:\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
"""A question that only a change of the password asks."""

_NO_SESSION = re.compile(
    r"^[^\n]{0,120}(?:"
    r"(?:max(?:imum)?|limit)[^\n]{0,30}(?:sessions?|connections?|users?|logins?|lines)"
    r"|too many[^\n]{0,30}(?:sessions?|connections?|users?|logins?)"
    r"|(?:session|connection|login|user)s? (?:count |number )?(?:limit|maximum)[^\n]{0,30}(?:reached|exceeded|hit)"
    r"|all (?:user interfaces|lines|vtys?|sessions)[^\n]{0,20}(?:used|in use|busy|taken)"
    r"|no (?:more|free|available)[^\n]{0,20}(?:sessions?|lines?|vtys?|connections?)"
    r"|(?:sessions?|lines?|connections?)[^\n]{0,20}(?:exhausted|not available|unavailable)"
    r")[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)


def expired_password(text: str) -> str:
    """The line that says that the password must be changed; ""."""
    found = _EXPIRED.search(text) or _NEW_PASSWORD.search(text)
    return " ".join(found.group().split()) if found else ""


def asks_for_new_password(text: str) -> bool:
    """Whether the last line asks for a new password, or for the old one in order to change it."""
    return _NEW_PASSWORD.search(text[-200:]) is not None


def session_limit(text: str) -> str:
    """The line that says that there are as many sessions as the device takes; ""."""
    found = _NO_SESSION.search(text)
    return " ".join(found.group().split()) if found else ""
