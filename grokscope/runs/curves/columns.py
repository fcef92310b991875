"""Which column of somebody's table is which curve: as told, or found where the names leave no doubt."""

import re
from collections.abc import Collection, Mapping

from grokscope.registry import unknown

STEP = "step"
CURVES = tuple(
    f"{split}_{quantity}" for split in ("train", "test", "fresh", "twin") for quantity in ("accuracy", "loss")
)
# What else the page of a run draws of numbers alone.
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
# Words in a name that change nothing of what it says.
NOISE = {"epoch", "mean", "avg", "average", "metric", "metrics", "scalar", "scalars", "log", "cross", "entropy", "set"}
# The nearest to a count of optimizer steps first.
STEPS = (
    "trainer/global_step", "global_step", "step", "steps", "_step", "train_step", "training_step", "iteration",
    "iterations", "iter", "iters", "it", "update", "updates", "batch", "epoch", "epochs",
)  # fmt: skip
HOW = 'name them: --map "train_accuracy=COLUMN,step=COLUMN"'


def parse(text: str) -> dict[str, str]:
    """`name=column,name=column`: a column's own name may hold commas and equal signs."""
    starts = list(re.finditer(r"(?:^|,)\s*([\w./]+?)\s*=", text))
    named = [one for one in starts if _canonical(one[1]) in KNOWN or one is starts[0]]
    if not named or named[0].start() != 0:
        raise ValueError(f"--map takes name=column,name=column, got {text!r}; names are {', '.join(KNOWN)}")
    ends = [one.start() for one in named[1:]] + [len(text)]
    found: dict[str, str] = {}
    for one, end in zip(named, ends, strict=True):
        if (name := _canonical(one[1])) in found:
            raise ValueError(f"--map gives {name} twice")
        found[name] = text[one.end() : end].strip()
    return found


def chosen(columns: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """Name -> column, of those given and of those that are found. ValueError where no curve or no step is among them.

    given: names of KNOWN, `train/accuracy` and `behaviour.train_accuracy` among them.
    """
    found: dict[str, str] = {}
    for name, column in given.items():
        if _canonical(name) not in KNOWN:
            raise ValueError(unknown("curve", name, KNOWN))
        if column not in columns:
            raise ValueError(unknown("column", column, columns))
        found[_canonical(name)] = column
    free = [column for column in columns if column not in found.values()]
    if STEP not in found:
        low = {column.lower(): column for column in reversed(free)}
        if (step := next((low[name] for name in STEPS if name in low), None)) is None:
            raise ValueError(f"no column of steps among {_listed(columns)}; {HOW}")
        found[STEP] = step
    for name, candidates in _candidates([one for one in free if one != found[STEP]]).items():
        if name in found:
            continue
        if len(candidates) == 1:
            found[name] = candidates[0]
        elif not given:
            raise ValueError(f"{name} could be any of {_listed(candidates)}; {HOW}")
    if set(found) == {STEP}:
        raise ValueError(f"no column of accuracies or losses among {_listed(columns)}; {HOW}")
    return found


def quantity(column: str) -> str:
    """Whether a column holds accuracies or losses, by its name."""
    held = [name for name, words in QUANTITIES.items() if words & set(_words(column))]
    if len(held) != 1:
        raise ValueError(
            f"column {column!r} does not say whether it holds accuracies or losses; "
            "grokscope import FILE --as curves --map takes it by either name"
        )
    return held[0]


def _canonical(name: str) -> str:
    return name if name in OTHERS else name.removeprefix("behaviour.").replace("/", "_")


def _listed(columns: Collection[str]) -> str:
    return ", ".join(columns)


def _candidates(columns: Collection[str]) -> dict[str, list[str]]:
    """Curve -> the columns that say nothing else; a bare loss beside a test loss is that of training."""
    found: dict[str, list[str]] = {}
    bare: dict[str, list[str]] = {}
    for column in columns:
        words = _words(column)
        splits = [name for name, known in SPLITS.items() if known & words]
        held = [name for name, known in QUANTITIES.items() if known & words]
        if len(held) != 1 or len(splits) > 1 or words - set().union(*SPLITS.values(), *QUANTITIES.values(), NOISE):
            continue
        if splits:
            found.setdefault(f"{splits[0]}_{held[0]}", []).append(column)
        else:
            bare.setdefault(held[0], []).append(column)
    for name, candidates in bare.items():
        if f"test_{name}" in found:
            found.setdefault(f"train_{name}", candidates)
    return found


def _words(column: str) -> set[str]:
    """trainAcc, "run 3 - train_acc" and acc/train are train and acc."""
    own = column.rpartition(" - ")[2]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", own)
    words = {word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word}
    known = set().union(*SPLITS.values(), *QUANTITIES.values())
    for word in words - known:  # trainacc
        halves = ({word[:place], word[place:]} for place in range(2, len(word) - 1))
        words = next((words - {word} | both for both in halves if both <= known), words)
    return words
