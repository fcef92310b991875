"""Options that several commands share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from grokscope.registry import FAMILIES, names


def _store(text: str) -> Path:
    from grokscope.runs.outside import named
    from grokscope.runs.store.mirror import is_url, opened

    if not is_url(text):
        named(text)
    return opened(text)


def one_of(words: Iterable[str]) -> Any:
    """The mark of an option that takes one of these words; `--help` lists them."""
    words = tuple(words)
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="{" + ",".join(words) + "}",
        instance_from_str=lambda given: given[0],
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda word: [word],
        choices=words,
    )


Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
Json = Annotated[Flag, tyro.conf.arg(help="one JSON object on stdout, nothing else")]
Percent = Annotated[Flag, tyro.conf.arg(help="the accuracies of the curves are in per cent")]
Settings = Annotated[list[str], tyro.conf.arg(metavar="FIELD=VALUE")]
Plugins = Annotated[
    list[str],
    tyro.conf.arg(metavar="FILE|MODULE", help="components from outside, in a file such as my_plugin.py or a module"),
]
Integer = Annotated[int | None, tyro.conf.arg(metavar="INT")]
Task = Annotated[str, tyro.conf.arg(metavar="TASK")]
Number = Annotated[float | None, tyro.conf.arg(metavar="FLOAT")]
File = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]
Output = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
RunName = Annotated[str, tyro.conf.arg(metavar="RUN", help='a run\'s id, the start of one, its path, or "latest"')]
Store = Annotated[
    Path,
    tyro.conf.arg(help="folder that holds the runs, or a URL that fsspec knows (s3://...)"),
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH|URL",
        instance_from_str=lambda words: _store(words[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    ),
]

# Options that the help of a command shows together: what the group is, and the parameters.
GROUPS = {
    "work": ("How the work is done", ("engine", "address", "workers", "checkpoints", "device", "dry_run")),
    "common": ("Of every command", ("store", "out", "json", "plugin")),
}

# Of the commands that carry out a plan.
Engine = Annotated[
    str,
    one_of(names(FAMILIES["executors"])),
    tyro.conf.arg(
        help="local: processes on this machine; ray: tasks of Ray, here or on a cluster (extra `ray`); slurm: jobs of "
        "SLURM, one a pack (extra `slurm`)"
    ),
]
Address = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="HOST:PORT",
        help='head of a Ray cluster, or "auto"; without it Ray is started here. For slurm: "local" tries the jobs on '
        "this machine",
    ),
]
Slurm = Annotated[
    list[str],
    tyro.conf.arg(
        metavar="KEY=VALUE",
        help="what a job asks for, may be given often: partition, account, qos, time [minutes], cpus, gpus, memory "
        "[GB]; parallel: jobs in the queue or running at a time",
    ),
]
Share = Annotated[
    str,
    tyro.conf.arg(
        metavar="K/N",
        help="train the K-th of N shares of the packs; N such commands, on machines that see one store, train all",
    ),
]
Workers = Annotated[
    int | None,
    tyro.conf.arg(
        metavar="INT",
        help="packs trained at a time [1]; by default one a core, each on one thread; fewer packs than cores have "
        "several threads each; on a GPU four packs",
    ),
]
Device = Annotated[
    Literal["cpu", "cuda"],
    tyro.conf.arg(help="cuda: packs of up to 64 runs, trained on the GPU and measured on the processor"),
]
DryRun = Annotated[Flag, tyro.conf.arg(help="say what it would take, and start nothing")]

# Of the commands that train.
TaskFile = Annotated[
    Path | None,
    tyro.conf.arg(
        metavar="FILE",
        help="train on your own data: a .csv with columns a, b, label (split), or a .npz of inputs and labels; it is "
        "--set task=table --set path=FILE",
    ),
]


def settings_of(task_file: Path | None) -> list[str]:
    """What --task-file means, as --set has it."""
    return [] if task_file is None else ["task=table", f"path={task_file}"]
