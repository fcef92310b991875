"""Some series of all runs of many packs in one scan; run after run it takes 5 ms a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import StoreError
from grokscope.runs.store.finished import FEWEST, Catalogued, current
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.merged import path_literal
from grokscope.runs.store.numbers import NUMBERS
from grokscope.runs.store.rows import read_many
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, engine, segment_path
from grokscope.statistics.series import Curve

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def read_series(folders: Sequence[Path], measures: Sequence[str]) -> dict[tuple[str, str], Curve]:
    """(run, measure) -> steps and values, by step, of some measures of all runs of many packs.

    A measure with several views has all of them in one series.
    """
    catalogued, rest = _catalogued(folders)
    live: dict[tuple[str, str], list[Measured]] = {}
    paths: list[Path] = []
    for folder in rest:
        numbers, rows = at_one_instant(folder)
        paths += [segment_path(folder, number) for number in numbers]
        for row in rows:
            if row["measure"] in measures:
                live.setdefault((row["run"], row["measure"]), []).append(row)
    try:
        series = _sealed(paths, measures)
    except StoreError:  # a resumed writer may have rewound a segment away meanwhile; reading pack by pack tries again
        there = [folder for folder in rest if folder.is_dir()]  # one that was thrown away meanwhile has no numbers
        one_by_one = [read_many(folder, measures) for folder in there]
        series = {key: (rows.steps, rows.values) for pack in one_by_one for key, rows in pack.items()}
        live = {}
    if catalogued is not None and (relation := catalogued.relation(cursor := engine())) is not None:
        series |= _read(cursor, relation, measures)
    for key, rows in live.items():
        steps, values = series.get(key, (np.array([], np.int64), np.array([])))
        steps = np.append(steps, [row["step"] for row in rows])
        order = np.argsort(steps, kind="stable")
        series[key] = steps[order], np.append(values, [row["value"] for row in rows])[order]
    return series


def _sealed(paths: list[Path], measures: Sequence[str]) -> dict[tuple[str, str], Curve]:
    """The sealed series: two queries in one order, so that no text travels with every number."""
    if not paths:
        return {}
    with damage_as_store_error(paths[0].parents[2], paths):
        return _read(engine(), f"read_parquet([{', '.join(map(path_literal, paths))}])", measures)


def _read(cursor: "DuckDBPyConnection", relation: str, measures: Sequence[str]) -> dict[tuple[str, str], Curve]:
    source, among = f"FROM {relation} WHERE list_contains($1, measure)", [list(measures)]
    counts = cursor.execute(
        f"SELECT run, measure, count(*) {source} GROUP BY ALL ORDER BY run, measure", among
    ).fetchall()
    if not counts:
        return {}
    columns: Any = cursor.execute(f"SELECT step, value {source} ORDER BY run, measure, step", among).fetchnumpy()
    ends = np.cumsum([count for _, _, count in counts])
    steps, values = columns["step"], columns["value"]
    return {
        (run, measure): (steps[end - count : end], values[end - count : end])
        for (run, measure, count), end in zip(counts, ends.tolist(), strict=True)
    }


def _catalogued(folders: Sequence[Path]) -> tuple[Catalogued | None, Sequence[Path]]:
    """What the catalogue has of many packs of one store, and those that must be read."""
    if len(folders) < FEWEST or len({folder.parent for folder in folders}) > 1:
        return None, folders
    by_name = {folder.name: folder for folder in folders}
    found = current(folders[0].parent, NUMBERS).among(by_name)
    return found, [by_name[name] for name in sorted(by_name.keys() - set(found.packs))]
