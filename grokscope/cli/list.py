"""`grokscope list`: components, fields and runs."""

from pathlib import Path
from typing import Annotated, Any

import tyro

from grokscope.cli._options import Json, Store, one_of
from grokscope.cli.base import emit, warn_of
from grokscope.registry import FAMILIES, component, names, origin, summary, used

Family = Annotated[str, one_of((*FAMILIES, "fields", "runs"))]


def list(what: tyro.conf.Positional[Family] = "runs", *, store: Store = Path("runs"), json: Json = False) -> None:
    """Components of each kind, the fields of a config, or the runs of a store."""
    damage: Any = []
    rows = {"measures": _measures, "fields": _fields, "runs": lambda: _runs(store, damage)}.get(
        what, lambda: _components(what)
    )()
    warn_of(damage)
    if json:
        emit({what: rows} | ({"damaged": [str(error) for error in damage]} if what == "runs" else {}))
        return
    if not rows:
        print(f"no {what}" + (f" in {store}" if what == "runs" else ""))
        return
    from rich.console import Console
    from rich.table import Table

    if what == "runs":
        from grokscope.cli.show import phase_table

        Console().print(phase_table(rows))
        for run in rows:
            if run["imported"]:
                print(f"{run['run']}: imported from {run['imported']}; its training is not known")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console(soft_wrap=True).print(table)


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


def _fields() -> Any:
    from grokscope.runs.config import COMPONENTS, TRANSFORMS, RunConfig

    def rows(owner: str, fields: Any) -> Any:
        return [
            {"field": name, "default": field.default, "of": owner, "what": field.description}
            for name, field in fields.items()
        ]

    fields = rows("run", RunConfig.model_fields)
    for field, family in (COMPONENTS | {"transform": TRANSFORMS}).items():
        for name in names(family):
            fields += rows(f"{field} {name}", component(family, name).options.model_fields)
    return fields


def _runs(store: Path, damage: Any) -> Any:
    from grokscope.errors import StoreError
    from grokscope.runs.listing import summaries

    if not store.is_dir():
        raise StoreError(f"no store at {store}; give one with --store")
    return [*summaries(store, on_damage=damage.append)]
