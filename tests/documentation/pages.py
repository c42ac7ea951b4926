"""The examples of a page: requests, and the answers that it shows to them.

A page shows a request in one of three ways:

- a fenced block ``json request METHOD PATH [STATUS]``: the body of a request. ``{id}`` in a path is the id in the
  answer before it. STATUS is what the request is answered with: 201 where a job is made, else 200, if none is named;
- a command with ``curl``, in any fenced or indented block;
- a fenced block ``json connection_args DEVICE``: one member a line, each of which is tried in a request of its own.

``json answer STATUS [PART]`` is the answer to the request before it, or a part of it (``data.failed.0``).
``json envelope`` is what all answers have in common. Any other JSON is a failure of the page: it could not be tried.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

TUTORIAL = "tutorial.md"
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != TUTORIAL)
"""The lines of the tutorial build on each other: tests/evidence/test_tutorial.py runs them as they stand."""

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    \S[^\n]*\n(?:^    [^\n]*\n|^\n(?=    ))*)", re.MULTILINE)
_MAKES_JOBS = {"/device/execute", "/device/exec", "/device/bulk", "/device/confirm", "/device/rollback", "/session"}


class PageError(AssertionError):
    """A page has an example that nobody can try; the text names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as the page shows it; ``part`` says which part of the envelope it is, "" the whole."""

    status: int
    part: str
    shown: Any


@dataclass(slots=True, kw_only=True)
class Example:
    """One request of a page. Either ``command`` (a shell's) or ``method`` and ``path`` are there."""

    page: str
    line: int
    method: str = ""
    path: str = ""
    body: str = ""
    status: int = 200
    command: str = ""
    answers: list[Answer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page shows."""

    name: str
    examples: list[Example]
    members: list[tuple[str, str]]
    """Members of ``connection_args``, each with the kind of device that it is for."""
    envelopes: list[Any]
    untried: list[tuple[str, str]]
    """Blocks that hold JSON or a curl command and are none of the above: where, and their text."""


def read_page(path: Path) -> Page:
    """Collect the page's examples in their order.

    Raises:
        PageError: a block's heading or JSON is malformed.
    """
    text = path.read_text()
    found = Page(name=path.name, examples=[], members=[], envelopes=[], untried=[])
    for line, language, block in _blocks(text):
        words = language.split()
        if words[:1] == ["json"]:
            _json_block(found, line, words[1:], block)
        else:
            _shell_block(found, line, block)
    return found


def _blocks(text: str) -> list[tuple[int, str, str]]:
    """Fenced and indented blocks: line number, what the fence says, text."""
    blocks = []
    for fence in _FENCE.finditer(text):
        indent = len(fence[1])
        inner = "".join(line[indent:] for line in fence[3].splitlines(keepends=True))
        blocks.append((text.count("\n", 0, fence.start()) + 1, fence[2].strip(), inner))
    rest = _FENCE.sub(lambda fence: re.sub(r"[^\n]", "", fence[0]), text)
    for indented in _INDENTED.finditer(rest):
        inner = "".join(line[4:] or "\n" for line in indented[0].splitlines(keepends=True))
        blocks.append((rest.count("\n", 0, indented.start()) + 1, "", inner))
    return sorted(blocks)


def _json_block(page: Page, line: int, words: list[str], block: str) -> None:
    where = f"{page.name}:{line}"
    try:
        match words:
            case ["request", method, path, *status]:
                json.loads(block)
                usual = 201 if path in _MAKES_JOBS else 200
                page.examples.append(
                    Example(
                        page=page.name,
                        line=line,
                        method=method,
                        path=path,
                        body=block,
                        status=int(status[0]) if status else usual,
                    )
                )
            case ["answer", status, *part]:
                if not page.examples:
                    raise PageError(f"{where}: an answer without a request before it")
                shown = json.loads(block)
                page.examples[-1].answers.append(Answer(status=int(status), part="".join(part), shown=shown))
            case ["envelope"]:
                page.envelopes.append(json.loads(block))
            case ["connection_args", device]:
                for member in filter(None, block.splitlines()):
                    json.loads("{" + member + "}")
                    page.members.append((device, member))
            case _:
                page.untried.append((where, block))
    except ValueError as error:
        raise PageError(f"{where}: {error}") from None


def _shell_block(page: Page, line: int, block: str) -> None:
    lines = block.splitlines()
    commands = 0
    for number, first in enumerate(lines):
        if not first.removeprefix("$ ").startswith("curl "):
            continue
        command = first.removeprefix("$ ")
        following = iter(lines[number + 1 :])
        while not _complete(command):
            command += "\n" + next(following, "'")
        page.examples.append(Example(page=page.name, line=line + number, command=command))
        commands += 1
    if len(re.findall(r"\bcurl -", block)) != commands or (not commands and block.lstrip()[:1] in {"{", '"'}):
        page.untried.append((f"{page.name}:{line}", block))


def _complete(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")
