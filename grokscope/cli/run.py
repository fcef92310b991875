"""`grokscope run`: train, measure, report."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Flag, Json, Settings, Store, TaskFile, settings_of
from grokscope.cli.base import emit
from grokscope.registry import shortened
from grokscope.report.words import Lang

if TYPE_CHECKING:
    from grokscope.runs.run import Run

GROUP = "Train"


def run(
    recipe: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RECIPE")] = "quickstart",
    *,
    set: Settings = [],  # noqa: B006  the flag's name; never changed
    task_file: TaskFile = None,
    seeds: int = 1,
    tag: Annotated[list[str], tyro.conf.arg(metavar="TAG")] = [],  # noqa: B006
    out: Annotated[Store, tyro.conf.arg(aliases=("--store",))] = Path("runs"),
    device: Literal["auto", "cpu", "cuda"] = "auto",
    lang: Lang = "en",
    resume: Flag = False,
    extend: Flag = False,
    no_report: Flag = False,
    json: Json = False,
) -> None:
    """Train a recipe until it groks, measure it, and write its report.

    For instance: grokscope run nanda2023 --seeds 3 --set weight_decay=0.5 --set max_steps=30000

    The fields of a task and a model, with units, defaults and choices: grokscope list fields --task TASK --model MODEL

    Args:
        recipe: which recipe (grokscope list recipes).
        set: change a field of the recipe, such as weight_decay=0.5 or betas=0.9,0.98; may be given often.
        seeds: train this many seeds as one pack, counted up from the recipe's seed [1].
        tag: words by which the runs are found again (grokscope list runs --tag TAG); may be given often.
        device: where to train; on a GPU a resumed run equals the undisturbed one up to rounding only.
        lang: language of the report.
        resume: continue an interrupted run.
        extend: let a finished run go on from its last weights to a later end: --set max_steps=40000, or stop_after.
        no_report: train only; `grokscope measure` and `grokscope report` do the heavy measures and the report.
    """
    from grokscope.recipes.base import recipe as config_of
    from grokscope.runs.keeping import require_word
    from grokscope.runs.keeping import tag as tagged
    from grokscope.studies.grid import require_few
    from grokscope.training.device import chosen_device
    from grokscope.training.memory import require_fits

    set = [*settings_of(task_file), *set]
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    require_few(seeds)
    for word in tag:
        require_word("tag", word)
    base = config_of(recipe, **dict(assignment(text) for text in set))
    require_fits(base, chosen_device(device))  # before imports that take a second

    from grokscope.studies.experiment import train

    configs = [base.replace(seed=base.seed + number) for number in range(seeds)]
    for remark in base.remarks:
        print(f"note: {remark}", file=sys.stderr)
    trained = train(configs, store=out, device=device, resume=resume, extend=extend, measure=not no_report)
    for one in trained if tag else ():
        tagged(one.folder.parent, one.id, tag)
    finish(trained, lang, no_report=no_report, json=json)


def finish(trained: "Sequence[Run]", lang: Lang, *, no_report: bool, json: bool) -> None:
    """Writes the reports of what was trained and measured, and says what became of it."""
    reports = [None] * len(trained) if no_report else [*_reports(trained, lang)]
    summaries = [run.summary() | {"report": report} for run, report in zip(trained, reports, strict=True)]
    result = summaries[0] if len(trained) == 1 else pack_summary(trained[0].folder, summaries)
    if json:
        emit(result)
    else:
        _print(result, summaries)


def _reports(trained: "Sequence[Run]", lang: Literal["en", "zh"]) -> Iterator[str]:
    """Writes the reports of runs; the paths."""
    from grokscope.report.run.page import write_report

    for number, run in enumerate(trained, 1):
        print(f"writing the report of run {number} of {len(trained)}", file=sys.stderr)
        yield str(write_report(run, lang=lang))


def sentence(summary: dict[str, Any]) -> str:
    """What became of a run, in words."""
    mem, gen, lost_at = summary["memorized_at"], summary["generalized_at"], summary["lost_at"]
    lost = "" if lost_at is None else f"; lost again from step {lost_at:,} on"
    within = f"within {summary['steps']:,} steps"
    if mem is None:
        return (
            f"not memorised {within}" if gen is None else f"generalised at step {gen:,}, not memorised {within}{lost}"
        )
    start = f"memorised its training data by step {mem:,}"
    if gen is None:
        return f"{start}; not generalised {within}"
    verdict = "without delay, no grokking"
    if summary["grokked"]:
        verdict = f"it grokked, {summary['delay']:,} steps later"
    elif summary["delay"] > 0:
        verdict = f"{summary['delay']:,} steps later, too little delay to be grokking"
    return f"{start}, generalised at step {gen:,}: {verdict}{lost}"


def assignment(text: str) -> tuple[str, Any]:
    """A field and its value from `field=value`; the value is JSON, a list of numbers with commas, or a plain word."""
    from grokscope.runs.outside import Refused, parsed

    field, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not field:
        raise ValueError(f"--set takes field=value, got {shortened(text)}")
    if several := re.match(r"([^,=]*),\s*([a-z]\w*)\s*=\s*([^=]*)$", value):
        first, other, second = several.groups()
        raise ValueError(f"--set takes one field, got {shortened(text)}: --set {field}={first} --set {other}={second}")
    if not value.strip():
        raise ValueError(f"{shortened(field)} has no value: --set takes field=value; an empty list is []")
    for candidate in (value, f"[{value}]"):
        try:
            return field, parsed(candidate)
        except Refused as error:
            raise ValueError(f"{shortened(field)}: {error}") from None
        except ValueError:
            continue
    words = {"true": True, "false": False}
    return field, words.get(value.lower(), value)


def pack_summary(folder: Path, summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """One object for a pack, with the keys of a run's summary: `grokked` if all did, medians, and the spread.

    A time is the median over the replicas, None unless all reached it.
    """
    from statistics import median

    def over(values: list[Any]) -> Any:
        return median(values) if values and None not in values else None

    def range_of(values: list[Any]) -> dict[str, Any]:
        known = sorted(value for value in values if value is not None)
        edges = {"min": known[0], "median": median(known), "max": known[-1]} if known else {}
        return edges | {"n": len(known), "of": len(values)}

    first = summaries[0]
    times = ("memorized_at", "onset_at", "generalized_at", "delay", "lost_at")
    columns = {name: [summary[name] for summary in summaries] for name in times}
    finals = {name: [summary["final"][name] for summary in summaries] for name in first["final"]}
    return {
        "run": folder.name,
        "dir": str(folder),
        "state": first["state"],
        "grokked": all(summary["grokked"] for summary in summaries),
        **{name: over(values) for name, values in columns.items()},
        **{name: first[name] for name in ("steps", "steps_per_second", "measure_seconds", "train_seconds")},
        "final": {name: over(values) for name, values in finals.items()},
        "report": first["report"],
        "spread": {name: range_of(values) for name, values in (columns | finals).items()}
        | {"grokked": sum(summary["grokked"] for summary in summaries)},
        "runs": summaries,
    }


def _print(result: dict[str, Any], summaries: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from grokscope.cli.show import phase_table

    console = Console()
    if len(summaries) == 1:
        console.print(sentence(result), highlight=False)
    else:
        console.print(phase_table(summaries))
        spread = result["spread"]
        reached = spread["generalized_at"]
        console.print(
            f"grokked: {spread['grokked']} of {len(summaries)}; generalized at "
            + (f"{reached['min']} to {reached['max']}, median {reached['median']:.0f}" if reached["n"] else "no step")
        )
    if rate := result["steps_per_second"]:  # None if the status was lost
        console.print(
            f"{result['steps']} steps in {result['train_seconds']:.1f} s ({rate:.0f} steps/s), "
            f"measuring and storing {result['measure_seconds']:.1f} s",
            highlight=False,
        )
    for summary in summaries:
        print(f"report  {summary['report'] or 'none yet: grokscope report ' + summary['run']}")
