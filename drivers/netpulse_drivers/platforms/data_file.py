"""Data files of the platform book: read, checked, and what one takes from another.

A file is TOML. ``like = "other"`` at its top takes from that file whatever this one does not give; in a table it takes
the rest of that table from there; ``{ like = "other" }`` in a list stands for what that file has in the same list. What
nobody gives is taken from ``generic``.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netpulse_drivers.platforms.platform import Answer, Pager, Platform, Refusals

GENERIC = "generic"
"""The file that all others are like."""

NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")

_PART = re.compile(r"\{([a-z_]+)\}")
_TOP = {"about": "text", "source": "texts", "like": "text", "variants": "variants"}

KINDS: dict[str, dict[str, str]] = {
    "prompt": {"line": "text", "wide": "switch"},
    "refusals": {"query": "texts", "change": "texts", "harmless": "texts"},
}
"""Kind of value by table and key."""

PARTED = frozenset({"prompt", "refusals"})
"""Tables that hold, under names of their own, the parts of their expressions: ``{name}`` stands for one."""


def _kind(annotation: str) -> str:
    return {
        "str": "text",
        "bool": "switch",
        "int": "number",
        "tuple[str, ...]": "texts",
        "tuple[Answer, ...]": "answers",
        "tuple[tuple[str, str], ...]": "sections",
        "tuple[Pager, ...]": "pagers",
    }.get(annotation, "reader")


for _field in Platform.__dataclass_fields__.values():
    if _field.metadata:
        KINDS.setdefault(_field.metadata["table"], {})[_field.metadata["key"]] = _kind(str(_field.type))


class BookError(ValueError):
    """A data file that cannot be used; the text names file, place and remedy."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file, checked in itself.

    Attributes:
        name: of the platform.
        path: for messages.
        about, source, like: its head.
        tables: what it gives.
        variants: (prompt, name of a platform).
    """

    name: str
    path: Path
    about: str
    source: tuple[str, ...]
    like: str
    tables: Mapping[str, Mapping[str, Any]]
    variants: tuple[tuple[str, str], ...]


def read_file(path: Path, *, below: str = "") -> DataFile:
    """Read one file.

    Args:
        path: named as the platform.
        below: the name of the file that this one goes before; where it is like its own name, that one is meant.

    Raises:
        BookError: it cannot be read, or holds what no data file holds.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BookError(f"{path}: {error}") from error
    checked = _Checked(path, below=below)
    if not NAME.fullmatch(path.stem):
        raise checked.wrong("", "the file's name is the device type: lower-case letters, digits and '_'")
    tables = {name: value for name, value in given.items() if isinstance(value, dict)}
    checked.known(given, {**_TOP, **KINDS}, "")
    head = {key: checked.value(kind, given[key], key) for key, kind in _TOP.items() if key in given}
    if not head.get("about"):
        raise checked.wrong("about", "say in a line what the platform is")
    if not head.get("source") and not head.get("like"):
        raise checked.wrong("source", "name where the facts come from: documents, transcripts")
    return DataFile(
        name=path.stem,
        path=path,
        about=head["about"],
        source=head.get("source", ()),
        like=checked.name(head.get("like", GENERIC if path.stem != GENERIC else "")),
        tables={name: checked.table(name, values) for name, values in tables.items()},
        variants=head.get("variants", ()),
    )


class _Checked:
    """Values of a file, each of its kind."""

    def __init__(self, path: Path, *, below: str) -> None:
        self._path = path
        self._below = below

    def wrong(self, place: str, remedy: str) -> BookError:
        return BookError(f"{self._path}: {place}: {remedy}" if place else f"{self._path}: {remedy}")

    def known(self, given: Mapping[str, Any], offered: Mapping[str, Any], table: str) -> None:
        for key in given:
            if key not in offered:
                near = difflib.get_close_matches(key, offered, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(offered)}"
                raise self.wrong(f"{table}.{key}" if table else key, f"no data file has such a key; {hint}")

    def table(self, name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        kinds = {"like": "text", **KINDS[name]}
        if name not in PARTED:
            self.known(given, kinds, name)
        values = {key: self.value(kinds.get(key, "text"), value, f"{name}.{key}") for key, value in given.items()}
        return {**values, "like": self.name(values["like"])} if "like" in values else values

    def name(self, given: str) -> str:
        """The platform that is meant: one of its own name is the file that this one goes before."""
        return self._below if given == self._path.stem and self._below else given

    def value(self, kind: str, value: Any, place: str) -> Any:
        if kind == "text":
            return self._text(value, place)
        if kind == "switch":
            if isinstance(value, bool):
                return value
            raise self.wrong(place, "true or false is expected")
        if kind == "number":
            if isinstance(value, int) and not isinstance(value, bool):
                return value
            raise self.wrong(place, "a whole number is expected")
        if kind == "reader":
            if value in {"event", "netmiko"}:
                return value
            raise self.wrong(place, "'event' or 'netmiko' is expected")
        if not isinstance(value, list):
            raise self.wrong(place, "a list is expected")
        return tuple(self._entry(kind, one, f"{place}[{number}]") for number, one in enumerate(value))

    def _entry(self, kind: str, value: Any, place: str) -> Any:
        if kind in {"texts", "answers", "pagers"} and isinstance(value, dict) and set(value) == {"like"}:
            return Included(self.name(self._text(value["like"], place)))
        if kind == "texts":
            return self._text(value, place)
        first, second = {
            "answers": ("question", "answer"),
            "sections": ("first", "last"),
            "pagers": ("text", "key"),
            "variants": ("prompt", "platform"),
        }[kind]
        if not isinstance(value, dict) or set(value) != {first, second}:
            raise self.wrong(place, f"{{ {first} = ..., {second} = ... }} is expected")
        pair = (self._text(value[first], place), self._text(value[second], place))
        return {"answers": Answer, "pagers": Pager}[kind](*pair) if kind in {"answers", "pagers"} else pair

    def _text(self, value: Any, place: str) -> str:
        if isinstance(value, str):
            return value
        raise self.wrong(place, "a text is expected")


@dataclass(frozen=True, slots=True)
class Included:
    """An entry of a list that stands for another file's list."""

    name: str


class Lookup:
    """Answers what a platform has, whichever file gives it.

    Args:
        file_of: the file by name; raises ``BookError`` when there is none.
    """

    def __init__(self, file_of: Callable[[str], DataFile]) -> None:
        self._file_of = file_of

    def platform(self, name: str, *, is_variant: bool = False) -> Platform:
        """Put one platform together; a variant has no variants of its own.

        Raises:
            BookError: a file that it is like is missing or wrong, or a part of its prompt is.
        """
        file = self._file_of(name)
        self._refuse_unused_parts(file)
        facts = {}
        for attribute, one in Platform.__dataclass_fields__.items():
            if one.metadata:
                found = self.find(name, one.metadata["table"], one.metadata["key"])
                if found is not None:
                    facts[attribute] = found[0]
        prompt, telling = self._prompt(name)
        return Platform(
            name=name,
            about=file.about,
            source=self._source(file),
            lineage=self._lineage(name),
            prompt=prompt,
            telling=telling,
            refusals=self._refusals(name),
            variants=()
            if is_variant
            else tuple((shape, self.platform(other, is_variant=True)) for shape, other in self._variants(file)),
            **facts,
        )

    def find(self, name: str, table: str, key: str, *, asked: tuple[str, ...] = ()) -> tuple[Any, str] | None:
        """A value and the file that gives it; None: no file does.

        Raises:
            BookError
        """
        file = self._file_of(name)
        if name in asked:
            raise BookError(f"{file.path}: {table}.{key}: {' is like '.join((*asked, name))}")
        asked = (*asked, name)
        given = file.tables.get(table, {})
        if key in given:
            value = given[key]
            return (self._whole_list(value, table, key, asked) if isinstance(value, tuple) else value), name
        for other in (given.get("like"), file.like):
            if other:
                return self.find(other, table, key, asked=asked)
        return None

    def _refusals(self, name: str) -> Refusals:
        """Who gives texts of refused queries has those of ``generic`` in none of the other lists."""
        query, change, harmless = (self.find(name, "refusals", key) for key in KINDS["refusals"])
        known = query is not None and query[1] != GENERIC

        def texts(found: tuple[Any, str] | None) -> tuple[str, ...]:
            return found[0] if found is not None and (found[1] != GENERIC or not known) else ()

        return Refusals(texts(query), texts(change), texts(harmless), known=known)

    def _whole_list(self, value: tuple[Any, ...], table: str, key: str, asked: tuple[str, ...]) -> tuple[Any, ...]:
        entries: list[Any] = []
        for one in value:
            if isinstance(one, Included):
                found = self.find(one.name, table, key, asked=asked)
                entries += found[0] if found is not None else ()
            else:
                entries.append(self._filled(one, asked[-1], table) if table in PARTED else one)
        return tuple(entries)

    def _filled(self, expression: str, name: str, table: str) -> str:
        """The expression with the parts that the file, or what it is like, has for it."""

        def part(match: re.Match[str]) -> str:
            given = self.find(name, table, match[1])
            if given is None:
                raise BookError(f"{self._file_of(name).path}: {table}: there is no part '{match[1]}'")
            return _PART.sub(part, given[0])

        return _PART.sub(part, expression)

    def _prompt(self, name: str) -> tuple[str, bool]:
        """The expression for a prompt, and whether it is the platform's own."""
        found = self.find(name, "prompt", "line")
        if found is None:
            raise BookError(f"{self._file_of(name).path}: prompt.line: no file gives it")
        line, origin = found
        return self._filled(line, name, "prompt"), not self._file_of(origin).tables["prompt"].get("wide", False)

    def _refuse_unused_parts(self, file: DataFile) -> None:
        """A key of ``[prompt]`` or ``[refusals]`` that no expression names is a slip of the pen."""
        for table in PARTED:
            used = {"like", *KINDS[table], *_PART.findall(" ".join(self._texts(file, table)))}
            for key in file.tables.get(table, {}):
                if key not in used:
                    near = difflib.get_close_matches(key, used, n=1)
                    hint = f"; did you mean '{near[0]}'?" if near else ""
                    raise BookError(f"{file.path}: {table}.{key}: no expression has such a part{hint}")

    def _texts(self, file: DataFile, table: str) -> Iterator[str]:
        """Everything that the table holds, in the file and in those that it is like."""
        for value in file.tables.get(table, {}).values():
            yield from (str(one) for one in (value if isinstance(value, tuple) else (value,)))
        for other in filter(None, (file.tables.get(table, {}).get("like", ""), file.like)):
            yield from self._texts(self._file_of(other), table)

    def _source(self, file: DataFile) -> tuple[str, ...]:
        return file.source or (self._source(self._file_of(file.like)) if file.like else ())

    def _lineage(self, name: str) -> tuple[str, ...]:
        lineage: list[str] = []
        while name not in {"", GENERIC, *lineage}:
            lineage.append(name)
            name = self._file_of(name).like
        return tuple(dict.fromkeys(name.partition("@")[0] for name in lineage))

    def _variants(self, file: DataFile) -> tuple[tuple[str, str], ...]:
        return file.variants or (self._variants(self._file_of(file.like)) if file.like else ())
