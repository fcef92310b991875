"""`grokscope continue`: an interrupted run goes on to its end, a finished one beyond it."""

from pathlib import Path
from typing import Literal

import tyro

from grokscope.cli._options import Flag, Integer, Json, RunName, Store
from grokscope.cli.base import find_run
from grokscope.cli.run import finish
from grokscope.report.words import Lang

GROUP = "Train"


def continue_(
    name: tyro.conf.Positional[RunName],
    *,
    steps: Integer = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    lang: Lang = "en",
    no_report: Flag = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Let a run go on from its last weights, as if it had been one run: to its end, or by more steps than it had.

    For instance: grokscope continue latest --steps 5000

    The runs of a pack go on together. The rule that stops a run once it has generalised does not end the added steps.

    Args:
        steps: go on for this many steps beyond the last one [steps]; a finished run needs it.
        device: where to train; on a GPU the weights equal those of one run up to rounding only.
        lang: language of the report.
        no_report: train only; `grokscope measure` and `grokscope report` do the heavy measures and the report.
    """
    from grokscope.errors import GrokscopeError
    from grokscope.runs.config import pack_id
    from grokscope.runs.run import load_pack
    from grokscope.runs.store.events import finished_at
    from grokscope.studies.experiment import train

    if steps is not None and steps < 1:
        raise ValueError(f"--steps must be at least 1, got {steps}")
    run = find_run(name, store)
    if steps is None and (end := finished_at(run.folder)) is not None:
        raise ValueError(f"run {run.id} ended at step {end}: --steps 5000 lets it go on for 5,000 more")
    pack = load_pack(run.folder)
    configs = [one.config for one in pack]
    if pack_id(configs, ends=False) != run.folder.name:
        raise GrokscopeError(
            f"run {run.id} ends where a sweep planned it to, or was trained elsewhere; grokscope run with its settings "
            "makes one that can go on"
        )
    if steps is not None:
        end = run.steps + steps
        configs = [
            config.replace(max_steps=end, stop_after=end) for config in configs
        ]  # more evaluations than there are
    extend, measure = steps is not None, not no_report
    trained = train(configs, store=run.folder.parent, device=device, resume=True, extend=extend, measure=measure)
    finish(trained, lang, no_report=no_report, json=json)


# A component is named like its file, and `def continue` is not Python.
globals()["continue"] = continue_
