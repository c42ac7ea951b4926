"""Refusing option names that nobody reads, with a hint at the name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def refuse_unknown_keys(values: Mapping[str, Any], *, known: Iterable[str], refused: Mapping[str, str]) -> None:
    """Check option names; a misspelt option that is ignored is worse than an error.

    Args:
        known: names that are read.
        refused: names that the library has but this product does not take, each with the reason.

    Raises:
        ValueError: naming each wrong key and what to write instead, never a value.
    """
    known = list(known)
    problems = []
    for key in values:
        if key in known:
            continue
        if key in refused:
            problems.append(f"'{key}' {refused[key]}")
            continue
        near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.6)
        problems.append(f"unknown option '{key}'" + (f"; did you mean {', '.join(near)}?" if near else ""))
    if problems:
        raise ValueError("; ".join(problems))
