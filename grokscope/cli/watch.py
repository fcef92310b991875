"""`grokscope watch`: follows the log of somebody else's training, and says when it groks."""

import functools
import sys
from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Integer, Json, Number, Percent
from grokscope.cli.base import emit
from grokscope.cli.phases import Column, named

GROUP = "Look"

NOT_GROKKED = 3
CODES = {"grokked": 0, "interrupted": 130}  # the last is what shells say of Ctrl-C
WHY = {
    "grokked": "",
    "no_delay": "",
    "idle": "no new line came for {idle:g} s",
    "max_steps": "it has come to step {steps:,}",
    "interrupted": "interrupted",
}
Seconds = Annotated[float | None, tyro.conf.arg(metavar="SECONDS")]


def watch(
    *,
    tail: Annotated[Path, tyro.conf.arg(metavar="FILE")],
    train: Column = None,
    test: Column = None,
    step: Column = None,
    percent: Percent = False,
    interval: float = 2.0,
    until_idle: Seconds = None,
    max_steps: Integer = None,
    train_threshold: float = 0.99,
    test_threshold: float = 0.95,
    loss_threshold: Number = None,
    stable: int = 3,
    json: Json = False,
) -> None:
    """Follow a log as it is written, in any language; a line when it memorised, began to generalise, generalised.

    For instance: grokscope watch --tail log.csv --train acc/train --test acc/test

    It ends when that is decided. Exit codes: 0 it grokked; 3 it ended without grokking (it generalised without delay,
    or --until-idle or --max-steps came first); 130 interrupted; 1 the file is bad; 2 the arguments are. With --json the
    lines go to stderr. Columns of accuracies and losses that are not given are found if their names leave no doubt.

    Args:
        tail: csv, tsv, txt or jsonl; it may not exist yet, and may be rotated or written anew.
        train: accuracy or loss on training inputs; its name says which.
        test: the same on held-out inputs.
        step: the steps.
        interval: how often to look [s].
        until_idle: end after so long without a new line [s]; by default never.
        max_steps: end at this step; by default never.
        train_threshold: memorised from this train accuracy on [1].
        test_threshold: generalised from this test accuracy on [1].
        loss_threshold: the same for losses, if there are no accuracies; by default 0.1 nat.
        stable: evaluations in a row that must reach the threshold.
    """
    from grokscope.cli.run import sentence
    from grokscope.watch.tail import Log, follow

    say = functools.partial(print, file=sys.stderr if json else sys.stdout, flush=True)
    thresholds = {
        "train_threshold": train_threshold,
        "test_threshold": test_threshold,
        "loss_threshold": loss_threshold,
        "stable": stable,
    }
    limits = {"interval": interval, "until_idle": until_idle, "max_steps": max_steps}
    with Log(tail, named(train, test, step), percent=percent) as log:
        ending = follow(log, say=say, **limits, thresholds=thresholds)
    if ending.outcome != "interrupted":
        log.require_values()
    why = WHY[ending.outcome].format(idle=until_idle or 0, steps=max_steps or 0)
    reached = {} if ending.phases is None else ending.phases.as_dict()
    notes = [*log.remarks(), *(map(str, ending.phases.notes) if ending.phases else ())]
    if json:
        about = {"file": str(tail), "outcome": ending.outcome, "columns": log.columns}
        emit(about | reached | {"notes": notes})
    else:
        said = sentence(reached | {"steps": reached["last_at"] or 0}) if reached else ""
        print("; ".join(filter(None, (said, why))))
        for note in notes:
            print(f"note: {note}")
    if code := CODES.get(ending.outcome, NOT_GROKKED):
        raise SystemExit(code)
