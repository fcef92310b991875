"""Reads the metric rows of one pack, also while another process writes them (`segments.at_one_instant`)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import StoreError
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, engine, segment_path

if TYPE_CHECKING:
    import numpy as np

_KEYS = ("run", "measure", "view")
_ATTEMPTS = 5  # segments vanish only when a resumed writer rewinds, which it does once


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Columns of equal length, sorted by step.

    steps int64, values float64; runs, measures, views arrays of str (read-only constants where one was asked for).
    """

    steps: "np.ndarray"
    values: "np.ndarray"
    runs: "np.ndarray"
    measures: "np.ndarray"
    views: "np.ndarray"

    def __len__(self) -> int:
        return len(self.steps)


def read_rows(
    folder: Path,
    *,
    run: str | None = None,
    measure: str | None = None,
    view: str | None = None,
    among: Sequence[str] | None = None,
) -> Rows:
    """The rows of a pack with this run, measure and view; None: all. among: only rows of these measures."""
    if not folder.is_dir():
        raise StoreError(f"no pack at {folder}")
    wanted = {key: text for key, text in zip(_KEYS, (run, measure, view), strict=True) if text is not None}
    for attempt in range(_ATTEMPTS):
        numbers, rows = at_one_instant(folder, containing=[json.dumps(text).encode() for text in wanted.values()])
        live = [
            row
            for row in rows
            if all(row[key] == text for key, text in wanted.items()) and (among is None or row["measure"] in among)
        ]
        paths = [segment_path(folder, number) for number in numbers]
        try:
            sealed = _sealed_columns(folder, paths, wanted, among)
        except StoreError:
            if attempt == _ATTEMPTS - 1 or all(path.exists() for path in paths):
                raise
            continue
        return _merge(sealed, live, wanted)
    raise AssertionError("the last attempt returns or raises")


def read_many(folder: Path, measures: Sequence[str]) -> dict[tuple[str, str], Rows]:
    """(run, measure) -> rows of a pack, for several measures in one reading; pairs without rows are left out."""
    import numpy as np

    rows = read_rows(folder, among=measures)
    labels = np.char.add(np.char.add(rows.runs.astype(str), "|"), rows.measures.astype(str))
    pairs, place = np.unique(labels, return_inverse=True)
    order = np.argsort(place, kind="stable")  # each pair's rows stay in the order of their steps
    ends = np.searchsorted(place[order], np.arange(len(pairs) + 1))
    parts = (order[start:end] for start, end in pairwise(ends))
    return {
        tuple(pair.split("|")): Rows(
            steps=rows.steps[part],
            values=rows.values[part],
            runs=rows.runs[part],
            measures=rows.measures[part],
            views=rows.views[part],
        )
        for pair, part in zip(pairs.tolist(), parts, strict=True)
    }


def _sealed_columns(
    folder: Path, paths: list[Path], wanted: dict[str, str], among: Sequence[str] | None
) -> "dict[str, np.ndarray]":
    """Columns in the order of the files. Texts travel as numbers: a Python str for each cell takes far longer."""
    import numpy as np

    if not paths:
        return {}
    conditions = [f"{key} = ${number}" for number, key in enumerate(wanted, 2)]
    parameters: list[Any] = [[escape(str(path)) for path in paths], *wanted.values()]
    if among is not None:
        parameters.append(list(among))
        conditions.append(f"list_contains(${len(parameters)}, measure)")
    source = f"FROM read_parquet($1) WHERE {' AND '.join(conditions) or 'true'}"
    cursor = engine()
    free = [key for key in _KEYS if key not in wanted]
    with damage_as_store_error(folder / "metrics", paths):
        lists = ["count(*)", *(f"list(DISTINCT {key})" for key in free)]
        (_, *texts), *_ = cursor.execute(f"SELECT {', '.join(lists)} {source}", parameters).fetchall()
        texts = [distinct or [] for distinct in texts]  # NULL where no row fits
        numbers = [f"list_position(${at}, {key}) - 1 AS {key}" for at, key in enumerate(free, len(parameters) + 1)]
        selection = ", ".join(["step", "value", *numbers])
        columns: Any = cursor.execute(f"SELECT {selection} {source}", [*parameters, *texts]).fetchnumpy()
    for key, distinct in zip(free, texts, strict=True):
        columns[key] = np.array(distinct, object)[columns[key]]
    return columns


def _merge(sealed: "dict[str, np.ndarray]", live: list[Measured], wanted: dict[str, str]) -> Rows:
    import numpy as np

    def column(name: str, dtype: Any) -> "np.ndarray":
        part = np.array([row[name] for row in live], dtype)
        return np.concatenate([np.asarray(sealed[name], dtype), part]) if sealed else part

    steps = column("step", np.int64)
    order = np.argsort(steps, kind="stable")

    def key(name: str) -> "np.ndarray":
        if name in wanted:
            return np.broadcast_to(np.array(wanted[name], object), len(steps))
        return column(name, object)[order]

    return Rows(
        steps=steps[order],
        values=column("value", np.float64)[order],
        runs=key("run"),
        measures=key("measure"),
        views=key("view"),
    )
