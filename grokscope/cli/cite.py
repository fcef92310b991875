"""`grokscope cite`: what a run used, as BibTeX."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from grokscope.cli._options import Json, RunName, Store
from grokscope.cli._papers import bibtex, named_in, papers
from grokscope.cli.base import emit, find_run
from grokscope.registry import component, place

if TYPE_CHECKING:
    from grokscope.runs.config import RunConfig
    from grokscope.runs.run import Run

GROUP = "Judge"

# Fields in which a run may differ from a recipe without being another experiment.
FREE = {"seed", "max_steps", "stop_accuracy", "stop_after", "evaluate_every", "checkpoint_ratio", "checkpoint_every"}
KIND = {"task", "model", "loss", "optimizer"}  # fields in which it must not differ
KINDS = {"tasks": "task", "models": "model", "losses": "loss", "optimizers": "optimizer", "transforms": "transform"}
OWN = {
    "type": "software",
    "author": ["{The grokscope developers}"],
    "title": "grokscope: the instrument for grokking",
}


def cite(
    name: tyro.conf.Positional[RunName],
    *,
    theory: Annotated[tuple[str, ...], tyro.conf.arg(metavar="THEORY ...")] = (),
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """The papers that a run used, as BibTeX: of its recipe, its network, its training and what was measured.

    For instance: grokscope cite latest --theory circuits

    Args:
        theory: explanations that you speak of, too (grokscope list theories).
    """
    run = find_run(name, store)
    uses: dict[str, list[str]] = {}
    for what, source in _sources(run, theory):
        for key in named_in(source):
            uses.setdefault(key, []).append(what)
    own = OWN | {"version": version("grokscope")}
    entries = [{"key": "grokscope", "for": ["the run"], "bibtex": bibtex("grokscope", own)}]
    entries += [
        {"key": key, "for": uses[key], "bibtex": bibtex(key, paper)} for key, paper in papers().items() if key in uses
    ]
    if json:
        emit({"run": run.id, "entries": entries})
        return
    print(f"% What run {run.id} used. Definitions of the project's own have no paper: cite grokscope for them.")
    for entry in entries:
        uses_of = fill(
            ", ".join(entry["for"]), 100, initial_indent="% ", subsequent_indent="% ", break_long_words=False
        )
        print(f"\n{uses_of}\n{entry['bibtex']}")


def _sources(run: "Run", theories: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(what, where it comes from) of everything that the run used."""
    if run.has_config:
        name, said = _recipe(run.config)
        if name:
            yield said, _about("recipes", name)
        for family, id_ in _components(run.config):
            yield f"{KINDS[family.rpartition('.')[2]]} {id_}", _about(family, id_)
    from grokscope.measures.base import measures

    known = measures()
    for id_ in sorted(set(run.rows().measures.tolist()) & known.keys()):
        yield id_, known[id_].source
    for id_ in theories:
        yield f"theory {id_}", component("theories", id_).source


def _recipe(config: "RunConfig") -> tuple[str, str]:
    """The recipe that a config is nearest to, and how to say it; empty if no recipe has its kind."""
    from grokscope.recipes.base import nearest

    name, fields = nearest(config)
    differ = sorted(fields.keys() - FREE)
    if KIND & fields.keys():
        return "", ""
    return name, f"recipe {name}" + (f" (but for {', '.join(differ)})" if differ else "")


def _components(config: "RunConfig") -> Iterator[tuple[str, str]]:
    """The components that a config names, and the transforms that its fields turn on."""
    from grokscope.runs.fields import COMPONENTS, TRANSFORMS

    for field, family in COMPONENTS.items():
        yield family, getattr(config, field)
    yield from ((TRANSFORMS, id_) for id_, options in config.transforms.items() if options.is_on)


def _about(family: str, id_: str) -> str:
    """All that a component says of itself: its own words and those of its file."""
    found: Any = component(family, id_)
    return " ".join([found.__doc__ or "", import_module(place(family, id_)).__doc__ or ""])
