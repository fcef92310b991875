"""The definition of a reading as a hash: numbers are compared, and put into one ledger, where it is the same.

Of an instrument it is that of `Instrument.digest`: the measure's code, options and element. Of a reading of series or
of the config it is the code that computes it: the function, the values that it was made with (a measure, a window), and
all functions, classes and constants of predictions, theories and statistics that it reaches, among them how a `Subject`
finds its phases and its truth. Of code the syntax counts alone: comments, docstrings, annotations, line breaks and the
wording of reasons (`Missing(...)`) do not, nor does the version of Python. Numerics, tasks and the store are not
followed: a change there that moves a number must be said in the changelog.

So another digest says: this number may have been computed in another way. Numbers of series can be had anew from a
store, at no cost; a ledger without its store keeps the old digest, and takes no seeds that have the new one.
"""

import ast
import dataclasses
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.readings import At, Reading
from grokscope.predictions.subject import Subject
from grokscope.predictions.syntax import DEFINITIONS, plain

FOLLOWED = ("grokscope.predictions", "grokscope.theories", "grokscope.statistics", "grokscope.runs.outcomes")
LOOKED_UP = {"value", "record", "rows"}  # members of `Subject` that look numbers up and define none


def digest(reading: Reading) -> str:
    """A hash of what computes a reading, 12 digits."""
    return reading.instrument.digest if isinstance(reading, At) else _of_function(reading.of)


@cache
def _of_function(of: Callable[..., Any]) -> str:
    about = _Walk(of.__module__ or "").of(of)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]


class _Walk:
    """From a function to all that it reaches; what was there before is named only."""

    def __init__(self, module: str) -> None:
        outside = module.partition(".")[0]
        self.followed = FOLLOWED if outside == "grokscope" else (*FOLLOWED, outside)
        self.seen: list[Any] = []

    def of(self, value: Any) -> Any:
        """A value in JSON's own types."""
        if isinstance(value, property | cached_property):
            value = value.fget if isinstance(value, property) else value.func
        value = getattr(value, "__wrapped__", value)
        if isinstance(value, FunctionType | type):
            return self._defined(value)
        if isinstance(value, Mapping):
            return [[self.of(key), self.of(item)] for key, item in value.items()]
        if isinstance(value, tuple | list | set | frozenset):
            return [
                self.of(item) for item in (sorted(value, key=repr) if isinstance(value, set | frozenset) else value)
            ]
        if dataclasses.is_dataclass(value) and not isinstance(value, Missing):
            return [type(value).__name__, *(self.of(getattr(value, one.name)) for one in dataclasses.fields(value))]
        plain = value is None or isinstance(value, str | int | float | complex)
        return repr(value) if plain else type(value).__qualname__

    def _defined(self, value: Any) -> Any:
        name = f"{value.__module__}.{value.__qualname__}"
        followed = _within(value.__module__ or "", self.followed)
        if not followed or value is Subject or any(value is one for one in self.seen):
            return name
        self.seen.append(value)
        node = _node(value)
        if node is None:  # made without a file, as in a notebook
            return [name, value.__code__.co_code.hex()] if isinstance(value, FunctionType) else name
        about = [_syntax(node), *(self.of(reached) for reached in _reached(value, node))]
        if isinstance(value, FunctionType):
            about += [self.of(value.__defaults__), self.of(value.__kwdefaults__)]
        return about


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _reached(value: Any, node: ast.AST) -> Iterator[Any]:
    """What the names in a definition stand for, in order of the names; and the members of `Subject` that it asks."""
    known = dict(vars(sys.modules[value.__module__])) if value.__module__ in sys.modules else {}
    if isinstance(value, FunctionType):
        known |= value.__globals__ | dict(inspect.getclosurevars(value).nonlocals)
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    asked = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    yield from (known[name] for name in sorted(names & set(known)) if not inspect.ismodule(known[name]))
    yield from (vars(Subject)[name] for name in sorted(asked & set(vars(Subject)) - LOOKED_UP))


def _node(value: Any) -> ast.AST | None:
    """The syntax of a function or a class; None where there is no source."""
    try:
        path = inspect.getsourcefile(value)
        nodes = _nodes(path) if path else []
    except (OSError, TypeError):
        return None
    if isinstance(value, type):
        return next((node for node in nodes if isinstance(node, ast.ClassDef) and node.name == value.__name__), None)
    code = value.__code__
    here = [node for node in nodes if _first_line(node) == code.co_firstlineno and _is_of(node, code)]
    return next((node for node in here if _starts(code) & set(_places(node))), here[0] if here else None)


@cache
def _nodes(path: str) -> list[Any]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, DEFINITIONS)]


def _first_line(node: Any) -> int:
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def _is_of(node: Any, code: CodeType) -> bool:
    return not isinstance(node, ast.ClassDef) and getattr(node, "name", "<lambda>") == code.co_name


def _starts(code: CodeType) -> set[tuple[int | None, int | None]]:
    """Where the instructions of a function begin: several lambdas of a line are told apart by it."""
    return {(line, column) for line, _, column, _ in code.co_positions() if column}


def _places(node: Any) -> Iterator[tuple[int, int]]:
    body = node.body if isinstance(node.body, list) else [node.body]
    for one in (inner for part in body for inner in ast.walk(part) if isinstance(inner, ast.expr | ast.stmt)):
        yield one.lineno, one.col_offset


@cache
def _syntax(node: ast.AST) -> str:
    """A hash of the syntax of a definition."""
    return hashlib.sha256(json.dumps(plain(node)).encode()).hexdigest()[:12]
