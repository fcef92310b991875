"""`grokscope sweep`: every combination of values of some fields, with seeds in each."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from grokscope.cli._options import (
    Address,
    Device,
    DryRun,
    Engine,
    Json,
    Settings,
    Share,
    Slurm,
    Store,
    TaskFile,
    Workers,
    settings_of,
)
from grokscope.cli._plans import carry_out, conditions, is_whole, say
from grokscope.cli.run import assignment
from grokscope.registry import shortened, used
from grokscope.report.words import Lang

GROUP = "Train"

Kept = Literal["ends", "all"]
CHECKPOINTS = (
    "ends: the first and the last of each run; its numbers need no other. all: as `run` keeps them, some 80, for "
    "`measure`, `report` and `judge`"
)


def sweep(
    recipe: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RECIPE")],
    *,
    grid: Annotated[list[str], tyro.conf.arg(metavar="FIELD=V1,V2")],
    set: Settings = [],  # noqa: B006  the flag's name; never changed
    task_file: TaskFile = None,
    seeds: int = 1,
    engine: Engine = "local",
    address: Address = None,
    slurm: Slurm = [],  # noqa: B006
    workers: Workers = None,
    share: Share = "",
    checkpoints: Annotated[Kept, tyro.conf.arg(help=CHECKPOINTS)] = "ends",
    device: Device = "cpu",
    lang: Lang = "en",
    dry_run: DryRun = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train a recipe at every combination of values; started again, it does only what is missing.

    For instance: grokscope sweep quickstart --grid weight_decay=0.3,1,3 --grid train_fraction=0.3,0.4,0.5 --seeds 5

    Args:
        recipe: which recipe (grokscope list recipes).
        grid: a field (grokscope list fields) and its values; several grids give all combinations. Values with commas
            are written as JSON: betas=[0.9,0.98],[0.9,0.999].
        set: change a field of the recipe in all runs; may be given often.
        seeds: runs at each combination, counted up from the recipe's seed [1].
        lang: language of the page with phase diagrams, heat maps and survival curves.
    """
    from grokscope.recipes.base import recipe as config_of
    from grokscope.studies.grid import grid as cells
    from grokscope.studies.plan import plan

    how = conditions(engine=engine, slurm=slurm, address=address, workers=workers, share=share)
    set = [*settings_of(task_file), *set]
    axes: dict[str, list[Any]] = {}
    for text in grid:
        name, values = axis(text)
        if name in axes:
            raise ValueError(f"the grid over {name} is given twice; give all of its values in one --grid")
        axes[name] = values
    base = config_of(recipe, **dict(assignment(text) for text in set))
    wanted = cells(base, axes, seeds)
    made = partial(plan, f"sweep-{recipe}", wanted, store, mixed=True, axes=axes, device=device, kept=checkpoints)
    found, about = carry_out(made, dry_run=dry_run, **how)
    if is_whole(about):
        from grokscope.report.study.sweep import write

        given = {"--grid": grid, "--set": set, "--plugin": [plugin["given"] for plugin in used()]}
        options = [part for flag, texts in given.items() for text in texts for part in (flag, text)]
        options += ["--checkpoints", checkpoints] if checkpoints != "ends" else []
        command = shlex.join(["grokscope", "sweep", recipe, *options, "--seeds", str(seeds), "--store", str(store)])
        about |= {"report": str(write(found, found.folder / "report.html", lang, command=command))}
    say(about, json=json)


def axis(text: str) -> tuple[str, list[Any]]:
    """A field and its values from `field=v1,v2`; each is JSON, or a plain word."""
    from grokscope.runs.outside import Refused, parsed

    field, equals, values = text.partition("=")
    if not equals or not field:
        raise ValueError(f"--grid takes field=v1,v2,v3, got {shortened(text)}")
    try:
        return field, parsed(f"[{values}]")
    except Refused as error:
        raise ValueError(f"{shortened(field)}: {error}") from None
    except ValueError:
        return field, [assignment(f"{field}={word.strip()}")[1] for word in values.split(",")]
