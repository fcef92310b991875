"""Syntax without words: code as it computes, whatever its comments, docstrings, annotations and layout say."""

import ast
from typing import Any

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
UNSAID = {"ctx", "annotation", "returns", "type_comment", "type_params", "kind"}  # fields of syntax that say no number


def plain(node: Any) -> Any:
    """Syntax in JSON's own types, the same in every version of Python."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Missing":
        return "Missing"
    fields = {name: value for name, value in ast.iter_fields(node) if name not in UNSAID and value not in (None, [])}
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    return [type(node).__name__, {name: plain(value) for name, value in fields.items()}]
