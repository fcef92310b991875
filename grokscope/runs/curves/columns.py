"""Which column of a table is which curve: as given, or found if the names leave no doubt."""

import re
from collections.abc import Collection, Mapping

from grokscope.registry import unknown

STEP = "step"
CURVES = tuple(
    f"{split}_{quantity}" for split in ("train", "test", "fresh", "twin") for quantity in ("accuracy", "loss")
)
# Other curves that the page of a run draws.
OTHERS = ("weights.norm",)
KNOWN = (STEP, *CURVES, *OTHERS)
SPLITS = {
    "train": {"train", "training", "trn", "tr"},
    "test": {"test", "testing", "tst", "val", "valid", "validation", "eval", "evaluation", "dev", "heldout", "holdout"},
}
QUANTITIES = {
    "accuracy": {"acc", "accuracy", "accuracies"},
    "loss": {"loss", "losses", "nll", "ce", "xent", "mse"},
}
WORDS = set().union(*SPLITS.values(), *QUANTITIES.values())
# Words in a name that do not change its meaning.
NOISE = {"epoch", "mean", "avg", "average", "metric", "metrics", "scalar", "scalars", "log", "cross", "entropy", "set"}
# Names of a step column; the nearest to a count of optimizer steps first.
STEPS = (
    "trainer/global_step", "global_step", "step", "steps", "_step", "train_step", "training_step", "iteration",
    "iterations", "iter", "iters", "it", "update", "updates", "batch", "epoch", "epochs",
)  # fmt: skip
HOW = 'name them: --map "train_accuracy=COLUMN,step=COLUMN" of import, --train, --test and --step of phases and watch'


class Doubtful(ValueError):
    """Several columns could be the same curve."""


def parse(text: str) -> dict[str, str]:
    """`name=column,name=column`: a column's own name may hold commas and equal signs."""
    matches = list(re.finditer(r"(?:^|,)\s*([\w./]+?)\s*=", text))
    starts = [match for match in matches if _canonical(match[1]) in KNOWN or match is matches[0]]
    if not starts or starts[0].start() != 0:
        raise ValueError(f"--map takes name=column,name=column, got {text!r}; names are {', '.join(KNOWN)}")
    ends = [start.start() for start in starts[1:]] + [len(text)]
    columns: dict[str, str] = {}
    for start, end in zip(starts, ends, strict=True):
        if (name := _canonical(start[1])) in columns:
            raise ValueError(f"--map gives {name} twice")
        columns[name] = text[start.end() : end].strip()
    return columns


def chosen(columns: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """Name -> column: those given, and those that are found. ValueError if no curve or no step is among them.

    given: names of KNOWN, also written `train/accuracy` or `behaviour.train_accuracy`.
    """
    named: dict[str, str] = {}
    for name, column in given.items():
        if _canonical(name) not in KNOWN:
            raise ValueError(unknown("curve", name, KNOWN))
        if column not in columns:
            raise ValueError(unknown("column", column, columns))
        if column in named.values():
            other = next(other for other in named if named[other] == column)
            raise ValueError(f"column {column!r} cannot be both {other} and {_canonical(name)}")
        named[_canonical(name)] = column
    free = [column for column in columns if column not in named.values()]
    if STEP not in named:
        low = {column.lower(): column for column in reversed(free)}
        if (step := next((low[name] for name in STEPS if name in low), None)) is None:
            raise ValueError(f"no column of steps among {', '.join(columns)}; {HOW}")
        named[STEP] = step
    for name, candidates in _candidates([column for column in free if column != named[STEP]]).items():
        if name in named:
            continue
        if len(candidates) == 1:
            named[name] = candidates[0]
        elif not given:
            raise Doubtful(f"{name} could be any of {', '.join(candidates)}; {HOW}")
    if set(named) == {STEP}:
        raise ValueError(f"no column of accuracies or losses among {', '.join(columns)}; {HOW}")
    return named


def quantity(column: str) -> str:
    """Whether a column holds accuracies or losses, by its name."""
    words = _words(column)
    quantities = [name for name, known in QUANTITIES.items() if known & words]
    if len(quantities) != 1:
        raise ValueError(
            f"column {column!r} does not say whether it holds accuracies or losses; "
            "grokscope import FILE --as curves --map takes it by either name"
        )
    return quantities[0]


def split(column: str) -> str | None:
    """The split that a column's name says, "train" or "test"; None where it says none, or both."""
    found = [name for name, known in SPLITS.items() if known & _words(column)]
    return found[0] if len(found) == 1 else None


def _canonical(name: str) -> str:
    return name if name in OTHERS else name.removeprefix("behaviour.").replace("/", "_")


def _candidates(columns: Collection[str]) -> dict[str, list[str]]:
    """Curve -> the columns whose names say it and nothing else; a bare loss beside a test loss is the training loss."""
    named: dict[str, list[str]] = {}
    bare: dict[str, list[str]] = {}
    for column in columns:
        words = _words(column)
        splits = [name for name, known in SPLITS.items() if known & words]
        quantities = [name for name, known in QUANTITIES.items() if known & words]
        if len(quantities) != 1 or len(splits) > 1 or words - WORDS - NOISE:
            continue
        if splits:
            named.setdefault(f"{splits[0]}_{quantities[0]}", []).append(column)
        else:
            bare.setdefault(quantities[0], []).append(column)
    for quantity, candidates in bare.items():
        if f"test_{quantity}" in named:
            named.setdefault(f"train_{quantity}", candidates)
    return named


def _words(column: str) -> set[str]:
    """The words of a name: trainAcc, "run 3 - train_acc" and acc/train have train and acc."""
    own = column.rpartition(" - ")[2]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", own)
    words = {word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word}
    for word in words - WORDS:  # trainacc
        halves = ({word[:place], word[place:]} for place in range(2, len(word) - 1))
        words = next((words - {word} | both for both in halves if both <= WORDS), words)
    return words
