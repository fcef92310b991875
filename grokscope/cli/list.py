"""`grokscope list`: components, fields and runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tyro

from grokscope.cli._options import Json, Store, one_of
from grokscope.cli.base import emit, require_store, warn_of, wide_console
from grokscope.registry import FAMILIES, names, origin, summary, used

GROUP = "Look"

KINDS = (*FAMILIES, "fields", "runs")
Family = Annotated[str, one_of(KINDS), tyro.conf.arg(metavar="WHAT", help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}")]
Id = Annotated[str | None, tyro.conf.arg(metavar="NAME")]
Names = Annotated[str, tyro.conf.arg(metavar="NAME,NAME")]
COMPARED, SHOWN = 1000, 6  # runs whose configs are compared; fields in which they differ that are shown
_EMPTY: Any = {"name": None, "tags": ()}


def list(
    what: tyro.conf.Positional[Family] = "runs",
    *,
    columns: Names = "",
    where: Annotated[str, tyro.conf.arg(metavar="SQL")] = "",
    sort: Names = "",
    tag: Annotated[str, tyro.conf.arg(metavar="TAG")] = "",
    task: Id = None,
    model: Id = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Components of each kind, the fields of a config, or the runs of a store.

    For instance: grokscope list runs --where "weight_decay > 0.5 and grokked" --sort=-generalized_at

    Args:
        columns: of the table `runs` of grokscope query, for the list of runs; by default the fields of the config in
            which they differ.
        where: list the runs that this condition of SQL holds for.
        sort: order the runs by these columns; a "-" before one turns its order round (--sort=-steps).
        tag: list the runs that have this tag.
        task: list the fields that a run on this task has; with --model, of this model (grokscope list fields).
        model: list the fields that a run of this model has.
    """
    if what != "fields" and (task or model):
        raise ValueError(f"--task and --model are of grokscope list fields, got list {what}")
    if what == "runs":
        _list_runs(store, _names(columns), where, _names(sort), tag, json=json)
        return
    of = {name: chosen for name, chosen in (("task", task), ("model", model)) if chosen}
    rows = {"measures": _measures, "fields": lambda: _fields(of)}.get(what, lambda: _components(what))()
    if json:
        emit({what: rows})
        return
    if what == "fields":
        rows = [_shown(row) for row in rows]
    if not rows:
        print(f"no {what}")
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, no_wrap=name in ("id", "field"))
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    wide_console().print(table)


def _components(family: str) -> Any:
    place = FAMILIES[family]
    said = str.replace if family == "weight-formats" else lambda name, *_: name  # as `import --as` takes them
    return [{"id": said(name, "_", "-"), "what": summary(place, name)} | _plugin(place, name) for name in names(place)]


def _plugin(place: str, name: str) -> dict[str, str]:
    """Where a component comes from; nothing while all are of the tree."""
    plugin = origin(place, name)
    return {"plugin": "" if plugin is None else plugin.name} if used() else {}


def _measures() -> Any:
    from grokscope.measures.base import measures

    return [
        {
            "id": name,
            "unit": measure.unit,
            "cost": measure.cost,
            "source": measure.source,
            "what": measure.definition.splitlines()[0],
        }
        | _plugin("measures", name)
        for name, measure in measures().items()
    ]


def _fields(of: Mapping[str, str] = {}) -> Any:
    """The fields of a run with these components, or of any run."""
    from grokscope.runs.config import every_field
    from grokscope.runs.fields import described

    return [{"field": name, "of": owner} | described(name, field) for name, owner, field in every_field(of)]


def _shown(row: Any) -> Any:
    """A field as people read it: values as `--set` takes them."""
    from grokscope.runs.fields import as_typed

    default = "must be given" if row["required"] else as_typed(row["default"])
    told = {"field": row["field"], "default": default, "unit": row["unit"], "choices": ", ".join(row["choices"])}
    return told | {"of": row["of"], "what": row["what"]}


def _list_runs(store: Path, columns: Any, where: str, sort: Any, tag: str, *, json: bool) -> None:
    from grokscope.runs.keeping import labels
    from grokscope.runs.listing import chosen, summaries

    require_store(store)
    damage: Any = []
    known, rows = labels(store), [*summaries(store, on_damage=damage.append)]
    warn_of(damage)
    values: Any = {}
    if where or sort or columns:
        values, by_run = chosen(store, where=where, sort=sort, columns=columns), {row["run"]: row for row in rows}
        rows = [by_run[run] for run in values if run in by_run]
    rows = [{**row, **_EMPTY, **known.get(row["run"], {})} for row in rows]
    rows = [row for row in rows if not tag or tag in row["tags"]]
    if json:
        for row in rows if columns else ():
            row["columns"] = dict(zip(columns, values[row["run"]], strict=True))
        emit({"runs": rows, "damaged": [str(error) for error in damage]})
    elif not rows:
        print(f"no runs in {store}" + (" that are asked for" if where or tag else ""))
    else:
        _print_runs(rows, {name: {run: of[at] for run, of in values.items()} for at, name in enumerate(columns)})


def _print_runs(rows: Any, columns: Any) -> None:
    from grokscope.cli.show import phase_table
    from grokscope.runs.listing import differing

    if not columns and len(rows) <= COMPARED:
        columns = differing(rows)
    shown = dict([*columns.items()][:SHOWN])
    if any(row["name"] for row in rows):
        shown["name"] = {row["run"]: row["name"] for row in rows}
    if any(row["tags"] for row in rows):
        shown["tags"] = {row["run"]: ", ".join(row["tags"]) for row in rows}
    wide_console().print(phase_table(rows, shown))
    if more := [*columns][SHOWN:]:
        print(f"they differ in {len(more)} more fields: {', '.join(more)}; --columns shows them")
    for run in rows:
        if run["imported"]:
            print(f"{run['run']}: imported from {run['imported']}; its training is not known")


def _names(text: str) -> Any:
    return [name.strip() for name in text.split(",") if name.strip()]
