"""The configured directory of templates: read by name, never by path."""

from __future__ import annotations

import re
from pathlib import Path

from netpulse_broker.errors import BadRequest

LARGEST = 1024 * 1024
"""Bytes of one template file."""

MOST = 2000
"""Files that are read when a template names another one only while it runs."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*")
_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://\S*\s*")


class TemplateDirectory:
    """Templates by name: a path below the directory, with ``/``, that stays below it (symbolic links included).

    Args:
        path: None: there is none, every name is refused.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self, name: str) -> str:
        """The text of a template.

        Raises:
            BadRequest: no such template, or none that may be read.
        """
        if self._path is None:
            raise BadRequest(
                f"there is no template '{name}': no template directory is configured (setting templates.directory)"
            )
        if _NAME.fullmatch(name) is None:
            raise BadRequest(
                "a template is named by its path below the template directory, like 'ios/vlan.j2': letters, digits, "
                "'.', '_', '-' and spaces, no part beginning with a dot"
            )
        root = self._path.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise BadRequest(f"there is no template '{name}' in the template directory")
        try:
            if path.stat().st_size > LARGEST:
                raise BadRequest(f"template '{name}' is larger than {LARGEST} bytes")
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"template '{name}' cannot be read: {type(error).__name__}") from None

    def names(self) -> list[str]:
        """Names of all files that may be templates, sorted; at most ``MOST``."""
        if self._path is None:
            return []
        found = []
        for path in self._path.rglob("*"):
            name = path.relative_to(self._path).as_posix()
            if _NAME.fullmatch(name) and path.is_file():
                found.append(name)
                if len(found) == MOST:
                    break
        return sorted(found)


def refuse_url(template: str) -> None:
    """A request's template is text. One that is nothing but a URL was meant to be fetched, which nobody does here.

    Raises:
        BadRequest
    """
    if _URL.fullmatch(template):
        raise BadRequest(
            "templates are not fetched: send the text in 'template', or put the file into the template directory and "
            "name it in 'template_file'"
        )
