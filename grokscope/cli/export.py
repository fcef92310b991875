"""`grokscope export`: a run's weights or numbers, or a whole sweep, as a file for others."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Flag, Integer, Json, Store
from grokscope.cli.base import emit, find_run, find_study

if TYPE_CHECKING:
    from grokscope.runs.run import Run
    from grokscope.studies.study import Study

GROUP = "Exchange"

Name = Annotated[
    str, tyro.conf.arg(metavar="RUN|SWEEP", help='the id of a run or a sweep, the start of one, its path, or "latest"')
]
Format = Literal["transformer-lens", "transformer-bridge", "hub", "safetensors", "csv", "parquet", "zip"]
Output = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE|FOLDER")]


def export(
    name: tyro.conf.Positional[Name] = "latest",
    *,
    to: Format,
    output: Output = None,
    step: Integer = None,
    license: Annotated[str, tyro.conf.arg(metavar="NAME")] = "unknown",
    overwrite: Flag = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write a run's weights, its numbers or all of it, or the numbers or all of a sweep, for others.

    A file that is there and holds something else is not replaced without --overwrite.

    For instance: grokscope export latest --to csv -o numbers.csv

    Args:
        to: transformer-lens, transformer-bridge: the state dict of a HookedTransformer (2.x, 3.x), or of
            TransformerBridge.boot_native (3.x), by torch.save, or safetensors if FILE ends so; their config is beside
            it, FILE.json. hub: a folder as the Hugging Face hub has it: model.safetensors, config.json and a card.
            safetensors: under this project's names, with the config in its metadata. csv, parquet: columns run, step,
            measure, view, value; of a sweep, its fields too. zip: a run with its pack, or a sweep with all its packs;
            unpacked it is a store.
        output: the file, of hub the folder; by default in the run's or the sweep's folder.
        step: checkpoint of the weights; by default the last [steps].
        overwrite: replace a file that is there and holds something else.
        license: of the weights, for the card of hub: mit, apache-2.0, cc-by-4.0, ...
    """
    from grokscope.runs.output import require_output

    if output is not None and to != "hub":
        require_output(output)
    study = find_study(name, store)
    if study is not None:
        if step is not None or license != "unknown":
            raise ValueError(f"--step and --license are for the weights of a run; {study.id} is a study or a sweep")
        about: dict[str, Any] = {"study": study.id, "file": _of_study(study, to, output, overwrite=overwrite)}
    else:
        run = find_run(name, store)
        about = {"run": run.id} | _of_run(run, to, output, step=step, license=license, overwrite=overwrite)
    if json:
        emit(about)
    else:
        print(about["file"])


def _of_run(run: "Run", to: Format, output: Path | None, **options: Any) -> dict[str, Any]:
    """Writes it; what is to be told of it."""
    from grokscope.runs.archive import write_archive
    from grokscope.runs.export import beyond_lens, export_run

    if to == "zip":
        if options["step"] is not None or options["license"] != "unknown":
            raise ValueError("--step and --license are for weights; a zip holds all of a run")
        place = output or run.folder / f"{run.folder.name}.zip"
        path = write_archive(run.folder.parent, [run.folder], place, overwrite=options["overwrite"])
        return {"file": str(path), "not_in_file": {}}
    path = export_run(run, to, output, **options)
    if not to.startswith("transformer-"):
        return {"file": str(path), "not_in_file": {}}
    lost = beyond_lens(run.config)
    for field, value in lost.items():
        print(
            f"warning: TransformerLens has no {field} = {value}; the reader of the file must know it", file=sys.stderr
        )
    return {"file": str(path), "config": None if lost else str(path.with_suffix(".json")), "not_in_file": lost}


def _of_study(study: "Study", to: Format, output: Path | None, *, overwrite: bool) -> str:
    """Writes it; the file."""
    from grokscope.predictions.arms import runs_of
    from grokscope.runs.archive import write_archive
    from grokscope.runs.export import export_table

    runs = list({run.id: run for run in runs_of(study.runs())}.values())
    if to == "zip":
        folders = sorted({run.folder for run in runs})
        place = output or study.folder / f"{study.id}.zip"
        return str(write_archive(study.store, [study.folder, *folders], place, overwrite=overwrite))
    if to not in ("csv", "parquet"):
        some = f", such as {runs[0].id}" if runs else ""
        raise ValueError(f"{to} holds the weights of one run; {study.id} has {len(runs)}: name one of them{some}")
    place = output or study.folder / f"{study.id}.{to}"
    return str(export_table(runs, to, place, fields=(*study.axes, "seed"), overwrite=overwrite))
