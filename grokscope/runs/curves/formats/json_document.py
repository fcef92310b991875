"""One JSON document: rows in a list, or columns by name."""

import json
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats import json_lines
from grokscope.runs.curves.formats.base import Columns, by_column, one_length, text_format

# Keys of the rows in a file of one JSON object (trainer_state.json of transformers).
ROWS = ("log_history", "history", "rows", "data")


def _columns(path: Path, text: str) -> tuple[Columns, list[str]]:
    """Rows in a list, alone or under one of ROWS; or columns by name."""
    try:
        document = json.loads(text)
    except ValueError as error:
        if "\n" in text.strip():  # a row a line, under another name
            return json_lines.columns_of(path, text)
        raise GrokscopeError(f"{path} is not JSON: {error}") from error
    if isinstance(document, dict):
        document = next((document[name] for name in ROWS if isinstance(document.get(name), list | dict)), document)
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        return by_column(document), []
    columns = document.items() if isinstance(document, dict) else ()
    return one_length(path, {name: cells for name, cells in columns if isinstance(cells, list)}), []


json_document = text_format(".json", columns=_columns)
