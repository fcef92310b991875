"""Cells between spaces."""

from grokscope.runs.curves.formats.base import text_format


def _columns(path, text):
    names, *rows = (line.split() for line in text.splitlines())
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}, []


spaced = text_format(".dat", columns=_columns)
