"""Some series of all runs of many packs in one scan; run after run it takes 5 ms a run."""

from collections.abc import Sequence
from glob import escape
from pathlib import Path

import numpy as np

from grokscope.errors import StoreError
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.rows import read_many
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, engine, segment_path
from grokscope.statistics.series import Curve


def read_series(folders: Sequence[Path], measures: Sequence[str]) -> dict[tuple[str, str], Curve]:
    """(run, measure) -> steps and values, by step, of some measures of all runs of many packs.

    A measure with several views has all of them in one series.
    """
    live: dict[tuple[str, str], list[Measured]] = {}
    paths: list[Path] = []
    for folder in folders:
        numbers, rows = at_one_instant(folder)
        paths += [segment_path(folder, number) for number in numbers]
        for row in rows:
            if row["measure"] in measures:
                live.setdefault((row["run"], row["measure"]), []).append(row)
    try:
        series = _sealed(paths, measures)
    except StoreError:  # a resumed writer may have rewound a segment away meanwhile; reading pack by pack tries again
        one_by_one = [read_many(folder, measures) for folder in folders]
        return {key: (rows.steps, rows.values) for pack in one_by_one for key, rows in pack.items()}
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
    source = "FROM read_parquet($1) WHERE list_contains($2, measure)"
    cursor, files = engine(), [escape(str(path)) for path in paths]
    with damage_as_store_error(paths[0].parents[2], paths):
        counts = cursor.execute(
            f"SELECT run, measure, count(*) {source} GROUP BY ALL ORDER BY run, measure", [files, list(measures)]
        ).fetchall()
        if not counts:
            return {}
        query = f"SELECT step, value {source} ORDER BY run, measure, step"
        columns = cursor.execute(query, [files, list(measures)]).fetchnumpy()
    ends = np.cumsum([count for _, _, count in counts])[:-1]
    parts = zip(np.split(columns["step"], ends), np.split(columns["value"], ends), strict=True)
    return {(run, measure): part for (run, measure, _), part in zip(counts, parts, strict=True)}
