"""A JSON object a line."""

import json
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.base import Columns, by_column, text_format


def columns_of(path: Path, text: str) -> tuple[Columns, list[str]]:
    """A row a line, each with some of the keys. A torn last line is dropped, with a remark."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows, remarks = [], []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines) > 1:
                remarks.append("the last line is torn and was left out")
                break
            raise GrokscopeError(f"{path} is damaged: line {number} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise GrokscopeError(f"{path}: line {number} is a {type(row).__name__}, expected an object")
        rows.append(row)
    return by_column(rows), remarks


json_lines = text_format(".jsonl", ".ndjson", columns=columns_of)
