"""`grokscope show`: one run in a few lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from grokscope.cli._options import Json, RunName, Store
from grokscope.cli.base import emit, find_run

if TYPE_CHECKING:
    from rich.table import Table

    from grokscope.runs.run import Run

GROUP = "Look"


def show(name: tyro.conf.Positional[RunName] = "latest", *, store: Store = Path("runs"), json: Json = False) -> None:
    """Phases, final values and key frequencies of a run, and its folder and report.

    For instance: grokscope show latest
    """
    from grokscope.report.run.page import report_path

    run = find_run(name, store)
    report = report_path(run)
    about = run.summary() | {
        "key_frequencies": key_frequencies(run),
        "config": run.fields,
        "checkpoints": run.checkpoints,
        "events": run.events,
        "report": str(report) if report.exists() else None,
        "missing": run.absent,
    }
    if json:
        emit(about)
    else:
        _print(run, about)


def _print(run: "Run", about: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console.print(phase_table([about]))
    if about["lost_at"] is not None:
        print(f"lost again at step {about['lost_at']:,}: it stays below the level of generalisation from there on")
    for note in (*about["notes"], *about["missing"]):
        print(f"note: {note}")
    if run.has_config:
        keys = about["key_frequencies"]
        names = ("seed", "train_fraction", "learning_rate", "weight_decay")
        unknown = dict.fromkeys(run.unknown, "not known")
        fields = (f"{name.replace('_', ' ')} {(about['config'] | unknown)[name]}" for name in names)
        console.print(f"task {run.config.task}, {', '.join(fields)}", highlight=False)
        console.print(f"key frequencies: {', '.join(map(str, keys)) if keys else 'none'}", highlight=False)
    for line in _imported(run):
        print(line)
    print(f"folder  {run.folder} ({len(run.checkpoints)} checkpoints)")
    print(f"report  {about['report'] or 'none yet: grokscope report ' + run.id}")


def _imported(run: "Run") -> list[str]:
    """What is known of weights or curves from elsewhere."""
    imported = run.about.get("imported")
    if not imported:
        return []
    if not run.has_config:
        columns = ", ".join(f"{name} = {column}" for name, column in imported["columns"].items())
        remarks = [f"note: {remark}" for remark in imported["remarks"]]
        return [f"curves from {imported['file']}: {columns}", *remarks, "task, network, training, weights: not known"]
    sources = imported.get("sources", [imported])
    lines = [f"from    {source['file']} ({source['format']}, sha256 {source['sha256'][:12]}…)" for source in sources]
    if imported.get("step") is None:
        lines.append(f"        at a step that is not known, stored as {run.steps}")
    return [*lines, *(f"note    {note}" for note in imported.get("notes", []))]


def key_frequencies(run: "Run") -> list[int] | None:
    """The key frequencies at the last checkpoint; None if the network has none by definition."""
    import numpy as np

    from grokscope.errors import Missing
    from grokscope.measures.base import evaluate

    if not run.checkpoints:
        return None
    keys = evaluate("circuits.key_frequencies", run.snapshot())
    return None if isinstance(keys, Missing) else [int(k) for k in np.asarray(keys)]


PHASES = {"t_mem": "memorized_at", "t_on": "onset_at", "t_gen": "generalized_at", "delay": "delay"}


def phase_table(summaries: Sequence[dict[str, Any]], more: Mapping[str, Mapping[str, Any]] = {}) -> "Table":
    """A table of runs: the phases that they reached, and their final accuracies. more: columns by name and run, in
    place of the onset, the delay and the accuracy on training data."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1), caption_justify="left")
    table.caption = (
        "t_mem memorised, t_on onset, t_gen generalised; lost: fell back after it; train, test: final accuracy"
    )
    phases = [name for name in PHASES if not more or name in ("t_mem", "t_gen")]
    accuracies = ["test"] if more else ["train", "test"]
    table.add_column("run", no_wrap=True)
    for name in more:
        table.add_column(name.replace("_", " "), overflow="fold")
    table.add_column("state", no_wrap=True)
    for name in ("steps", *phases, "grokked", *accuracies):
        table.add_column(name, justify="right", no_wrap=True)
    for run in summaries:
        table.add_row(
            run["run"],
            *(_plain(of.get(run["run"])) for of in more.values()),
            run["state"],
            *(_cell(run[name]) for name in ("steps", *(PHASES[phase] for phase in phases))),
            "lost" if run["lost_at"] is not None else "yes" if run["grokked"] else "no",
            *("–" if (of := run["final"][f"{name}/accuracy"]) is None else f"{of:.4f}" for name in accuracies),
        )
    return table


def _plain(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
