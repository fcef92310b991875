"""`grokscope show`: one run in a few lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from grokscope.cli.base import Json, RunName, Store, emit, find_run

if TYPE_CHECKING:
    from rich.table import Table

    from grokscope.runs.run import Run


def show(run: tyro.conf.Positional[RunName] = "latest", *, store: Store = Path("runs"), json: Json = False) -> None:
    """Phases, final values, key frequencies of a run, and where things are."""
    from grokscope.report.run.page import report_path

    found = find_run(run, store)
    report = report_path(found)
    about = found.summary() | {
        "key_frequencies": key_frequencies(found),
        "config": found.fields,
        "checkpoints": found.checkpoints,
        "events": found.events,
        "report": str(report) if report.exists() else None,
    }
    if json:
        emit(about)
        return
    from rich.console import Console

    console = Console()
    console.print(phase_table([about]))
    if about["lost_at"] is not None:
        print(f"lost again at step {about['lost_at']:,}: from there on it stays below what counts as generalised")
    for note in about["notes"]:
        print(f"note: {note}")
    if not found.has_config:
        _show_curves(found, about["report"])
        return
    keys = about["key_frequencies"]
    names = ("seed", "train_fraction", "learning_rate", "weight_decay")
    told = (
        f"{name.replace('_', ' ')} {'not known' if name in found.unknown else about['config'][name]}" for name in names
    )
    console.print(f"task {found.config.task}, {', '.join(told)}", highlight=False)
    console.print(f"key frequencies: {', '.join(map(str, keys)) if keys else 'none'}", highlight=False)
    for line in _imported(found):
        print(line)
    print(f"folder  {found.folder} ({len(found.checkpoints)} checkpoints)")
    print(f"report  {about['report'] or 'none yet: grokscope report ' + found.id}")


def _imported(run: "Run") -> list[str]:
    """Of weights from elsewhere: the files they came in, when they were reached, and what was said of them."""
    imported = run.about.get("imported")
    if not imported:
        return []
    sources = imported.get("sources", [imported])
    lines = [f"from    {source['file']} ({source['format']}, sha256 {source['sha256'][:12]}…)" for source in sources]
    if imported.get("step") is None:
        lines.append(f"        at a step that is not known, kept as {run.steps}")
    return [*lines, *(f"note    {note}" for note in imported.get("notes", []))]


def _show_curves(run: "Run", report: str | None) -> None:
    """Of curves from elsewhere: which they are, and that the rest is not known."""
    about = run.about["imported"]
    columns = ", ".join(f"{name} = {column}" for name, column in about["columns"].items())
    for line in (f"curves from {about['file']}: {columns}", *(f"note: {remark}" for remark in about["remarks"])):
        print(line)
    print("task, network, training, weights: not known")
    print(f"folder  {run.folder}")
    print(f"report  {report or 'none yet: grokscope report ' + run.id}")


def key_frequencies(run: "Run") -> list[int] | None:
    """Of the last checkpoint; None where the question makes no sense."""
    from grokscope.errors import Missing
    from grokscope.measures.base import evaluate

    if not run.checkpoints:
        return None
    found = evaluate("circuits.key_frequencies", run.snapshot())
    return None if isinstance(found, Missing) else [int(k) for k in found]  # pyright: ignore[reportGeneralTypeIssues]


def phase_table(summaries: Sequence[dict[str, Any]]) -> "Table":
    """One row a run: what it reached, and when."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1), caption_justify="left")
    table.caption = (
        "t_mem memorised, t_on onset, t_gen generalised; lost: fell back after it; train, test: final accuracy"
    )
    columns = ("run", "state", "steps", "t_mem", "t_on", "t_gen", "delay", "grokked", "train", "test")
    for name in columns:
        table.add_column(name, justify="left" if name in ("run", "state") else "right", no_wrap=True)
    for one in summaries:
        accuracies = (one["final"]["train/accuracy"], one["final"]["test/accuracy"])
        table.add_row(
            one["run"],
            one["state"],
            *(_cell(one[name]) for name in ("steps", "memorized_at", "onset_at", "generalized_at", "delay")),
            "lost" if one["lost_at"] is not None else "yes" if one["grokked"] else "no",
            *("–" if value is None else f"{value:.4f}" for value in accuracies),
        )
    return table


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
