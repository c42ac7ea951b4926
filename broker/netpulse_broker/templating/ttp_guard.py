"""TTP without its ways to run Python, to read files and to reach the network.

A TTP template is a program: ``<macro>`` is Python that TTP runs, ``load="python"`` (the default of ``<vars>``) as well,
and even the arguments in ``{{ name | contains("x") }}`` go through ``eval`` with all builtins (ttp 0.10,
``ttp/utils/get_attributes.py``, ``load_python_exec.py``). ``<input>``, ``<output>``, ``<extend>`` and ``include`` open
files; a text that happens to be the path of a file is replaced by the file's content (``ttp/utils/loaders.py``).

``install`` puts literal evaluation in the place of ``eval`` and ``exec`` and lets a text be a text; ``check`` refuses
what cannot work that way, with a reason. The process around it can open nothing anyway.
"""

from __future__ import annotations

import ast
import importlib
import logging
import xml.etree.ElementTree as ET
from typing import Any

from ttp.utils import get_attributes, load_python_exec, loaders

from netpulse_broker.errors import TemplateFailed

_ttp: Any = importlib.import_module("ttp.ttp")  # ``ttp.ttp`` as an attribute is the class
_TAGS = frozenset({"template", "group", "g", "grp", "vars", "v", "variables", "lookup", "doc"})
_REFUSED_TAGS = {
    "macro": "runs Python",
    "input": "reads files",
    "i": "reads files",
    "in": "reads files",
    "output": "writes files",
    "o": "writes files",
    "out": "writes files",
    "extend": "reads files",
}
_REFUSED_ATTRIBUTES = frozenset({"include", "macro", "url", "database", "output", "input"})
_SCOPES = ("match", "group", "patterns", "utils", "variable")
"""Kinds of functions that allowed templates use."""

_REFUSED_FUNCTIONS = ("dns", "rdns", "geoip_lookup", "macro", "validate_yangson")


def install() -> None:
    """Take the dangerous parts out of the ttp package in this process, and load all the rest of it."""
    logging.getLogger("ttp").setLevel(logging.CRITICAL + 1)  # what optional libraries it misses
    functions = _ttp.lazy_import_functions()
    vars(get_attributes)["eval"] = _arguments  # stands before the builtin in the module's names
    load_python_exec.load_python_exec = _literal
    loaders.load_files = _text_alone
    for scope in _SCOPES:
        for function in list(functions[scope].values()):
            if isinstance(function, _ttp.CachedModule):
                _load(function)
    for scope, name in (("match", "dns"), ("match", "rdns"), ("match", "macro"), ("group", "macro")):
        functions.get(scope, {}).pop(name, None)
    logging.getLogger("ttp").setLevel(logging.NOTSET)
    # One dictionary, made once: every instance would otherwise read and parse all files of the package.
    _ttp.lazy_import_functions = lambda: functions


def check(template: str) -> None:
    """Refuse what a request's template must not hold.

    Raises:
        TemplateFailed
    """
    try:
        tree = _tree(template)
    except ET.ParseError as error:
        line = error.position[0] - 1
        raise TemplateFailed(f"the TTP template is no well-formed XML: {error}", details=[{"line": line}]) from None
    for element in tree.iter():
        tag = str(element.tag).lower()
        if tag not in _TAGS:
            why = _REFUSED_TAGS.get(tag)
            reason = f"<{tag}> {why} and is not allowed here" if why else f"<{tag}> is no tag of TTP"
            raise TemplateFailed(f"{reason}; allowed: group, vars, lookup, template, doc")
        for name, value in element.attrib.items():
            if name.lower() in _REFUSED_ATTRIBUTES:
                raise TemplateFailed(f"<{tag} {name}=...> is not allowed here")
            _check_functions(value)
        for text in (element.text, element.tail):
            for variable in (text or "").split("{{")[1:]:
                _check_functions(variable.partition("}}")[0])


def _check_functions(chain: str) -> None:
    for part in chain.split("|"):
        name = part.strip().partition("(")[0].strip()
        if name in _REFUSED_FUNCTIONS:
            raise TemplateFailed(f"the function '{name}' is not allowed here")


def _tree(template: str) -> ET.Element:
    """As ttp itself reads it: with a template tag around it where there is none."""
    # No entity can be declared without a document type, which ttp has no use for.
    if "<!DOCTYPE" in template.upper():
        raise TemplateFailed("a document type is not allowed in a TTP template")
    return ET.fromstring(f"<template>\n{template}\n</template>")  # noqa: S314  # see above


def _load(function: Any) -> None:
    try:
        function.load()
    except (Exception, SystemExit):  # noqa: BLE001 - an optional library is not installed: that function cannot be used
        return


def _arguments(source: str, _names: dict[str, Any]) -> Any:
    """What TTP evaluates: ``_get_args_kwargs(a, "b", key=value)``, where a bare word stands for itself."""
    call = ast.parse(source.strip(), mode="eval").body
    if not isinstance(call, ast.Call):
        raise SyntaxError("no call")  # noqa: TRY004  # as eval would have it
    return {
        "args": tuple(_value(argument) for argument in call.args),
        "kwargs": {str(keyword.arg): _value(keyword.value) for keyword in call.keywords if keyword.arg},
    }


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return {
            _value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key is not None
        }
    return ast.literal_eval(node)


def _literal(text_data: str, builtins: Any = None) -> Any:  # noqa: ARG001  # ttp passes it by name
    """``<vars>``: assignments of literals, or one literal."""
    tree = ast.parse(text_data.strip())
    found: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and len(tree.body) == 1:
            return _value(statement.value)
        if not isinstance(statement, ast.Assign) or not all(isinstance(name, ast.Name) for name in statement.targets):
            raise TemplateFailed('variables are literals: write name = "text", a number, a list or a dictionary')
        for name in statement.targets:
            found[name.id] = _value(statement.value)  # type: ignore[attr-defined]  # just checked
    return found


def _text_alone(path: Any, extensions: Any = None, filters: Any = None, read: bool = False) -> Any:  # noqa: ARG001
    """``load_files`` for texts that are texts, whatever they look like."""
    return [("text_data" if isinstance(path, str) else "structured_data", path)]
