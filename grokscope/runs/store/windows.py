"""Series of one run between two steps, without the rest: what a page shows of a run of a million numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import StoreError
from grokscope.runs.store.documents import LARGEST
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.merged import path_literal
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, engine, segment_path
from grokscope.statistics.series import Curve

Key = tuple[str, str]  # measure and view
_ATTEMPTS = 5  # segments vanish only when a resumed writer rewinds, which it does once


def read_windows(
    folder: Path, run: str, measures: Sequence[str], *, start: int = 0, stop: int = LARGEST - 1
) -> dict[Key, Curve]:
    """(measure, view) -> steps and values, by step, of some measures of a run from step `start` to step `stop`, with
    the nearest values on either side of these."""
    for attempt in range(_ATTEMPTS):
        paths, rows = _instant(folder, run)
        try:
            series = _sealed(folder, paths, run, measures)
        except StoreError:
            if attempt == _ATTEMPTS - 1 or all(path.exists() for path in paths):
                raise
            continue
        return {key: _between(curve, start, stop) for key, curve in _joined(series, rows, measures).items()}
    raise AssertionError("the last attempt returns or raises")


def series_of(folder: Path, run: str) -> dict[Key, tuple[int, int]]:
    """(measure, view) -> how many values a run has of it, and the last step of these."""
    paths, rows = _instant(folder, run)
    found: dict[Key, tuple[int, int]] = {}
    if paths:
        with damage_as_store_error(folder / "metrics", paths):
            sql = f"SELECT measure, view, count(*), max(step) FROM {_files(paths)} WHERE run = $1 GROUP BY ALL"
            found = {(m, v): (n, last) for m, v, n, last in engine().execute(sql, [run]).fetchall()}
    for row in rows:
        n, last = found.get((row["measure"], row["view"]), (0, 0))
        found[row["measure"], row["view"]] = n + 1, max(last, row["step"])
    return dict(sorted(found.items()))


def _instant(folder: Path, run: str) -> tuple[list[Path], list[Measured]]:
    numbers, rows = at_one_instant(folder, containing=[f'"{run}"'.encode()])
    return [segment_path(folder, number) for number in numbers], [row for row in rows if row["run"] == run]


def _files(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(map(path_literal, paths))}])"


def _sealed(folder: Path, paths: Sequence[Path], run: str, measures: Sequence[str]) -> dict[Key, Curve]:
    """The sealed part, in two queries of one order, so that no text travels with every number."""
    if not paths:
        return {}
    source, given = f"FROM {_files(paths)} WHERE run = $1 AND list_contains($2, measure)", [run, list(measures)]
    cursor = engine()
    with damage_as_store_error(folder / "metrics", paths):
        counts = cursor.execute(
            f"SELECT measure, view, count(*) {source} GROUP BY ALL ORDER BY measure, view", given
        ).fetchall()
        columns: Any = cursor.execute(f"SELECT step, value {source} ORDER BY measure, view, step", given).fetchnumpy()
    ends = np.cumsum([n for _, _, n in counts]).tolist()
    return {
        (measure, view): (columns["step"][end - n : end], columns["value"][end - n : end])
        for (measure, view, n), end in zip(counts, ends, strict=True)
    }


def _joined(series: dict[Key, Curve], rows: Sequence[Measured], measures: Sequence[str]) -> dict[Key, Curve]:
    """The sealed part with the rows of the journal; of two values at one step the later written."""
    live: dict[Key, list[Measured]] = {}
    for row in rows:
        if row["measure"] in measures:
            live.setdefault((row["measure"], row["view"]), []).append(row)
    for key, own in live.items():
        steps, values = series.get(key, (np.array([], np.int64), np.array([])))
        steps = np.append(steps, [row["step"] for row in own])
        values = np.append(values, [row["value"] for row in own])
        order = np.argsort(steps, kind="stable")
        series[key] = steps[order], values[order]
    return {key: _once(curve) for key, curve in sorted(series.items())}


def _once(curve: Curve) -> Curve:
    steps, values = curve
    last = np.append(steps[1:] != steps[:-1], True) if len(steps) else np.array([], bool)
    return (steps, values) if last.all() else (steps[last], values[last])


def _between(curve: Curve, start: int, stop: int) -> Curve:
    steps, values = curve
    first = max(0, int(np.searchsorted(steps, start)) - 1)
    end = int(np.searchsorted(steps, stop, side="right")) + 1
    return steps[first:end], values[first:end]
