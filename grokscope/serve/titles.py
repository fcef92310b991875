"""The titles of theories, read from their files: to import a theory takes torch, which the server does not have."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import grokscope.theories
from grokscope.report.words import Lang, told


def title(theory: str, lang: Lang) -> str:
    """Of a theory by id; of one that the tree does not have, its id in words."""
    known = titles().get(theory)
    return theory.replace("_", " ") if known is None else told(known, lang)


@cache
def titles() -> dict[str, Mapping[str, str]]:
    """The titles of all theories of the tree, by id: a file names its theory as itself, and gives it `title=text(en,
    zh)`."""
    files = [path for folder in grokscope.theories.__path__ for path in sorted(Path(folder).rglob("*.py"))]
    return {path.stem: {"en": en, "zh": zh} for path in files for en, zh in _title(path)}


def _title(path: Path) -> Iterator[tuple[str, str]]:
    for part in ast.parse(path.read_bytes()).body:
        match part:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(keywords=given)) if name == path.stem:
                for one in given:
                    match one:
                        case ast.keyword(arg="title", value=ast.Call(args=[ast.Constant(en), ast.Constant(zh)])):
                            yield str(en), str(zh)
