"""The points that a watch looks at: from arrays, a loader or named splits to inputs, labels and a task."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from grokscope.numerics.groups import group
from grokscope.runs.split import split_mask
from grokscope.tasks.base import Task
from grokscope.tasks.table import UNKNOWN, lexicographic, task
from grokscope.watch.guard import generators_kept

TRAIN = "train"
MOST_OPERANDS = 16  # whole numbers in wider rows are text or pixels, not operands
LABELS = ("labels", "label", "targets", "target")  # names of the labels in a batch that is a mapping
BATCHES = 4096  # batches of a loader that are read at most
IGNORED = -100  # the label that PyTorch's losses leave out


@dataclass(frozen=True, eq=False, kw_only=True)
class Points:
    """inputs: a tensor, or tensors by name for the network's keywords, a row a point. labels: a row a point. train: the
    points that are trained on; None: nobody has said. elements: what each point stands for; None: its label. notes:
    sentences on what was left out or taken to be so."""

    inputs: Any
    labels: Tensor
    train: Bool[Tensor, " point"] | None = None
    elements: Int[Tensor, " point"] | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Int[Tensor, " row"]) -> "Points":
        """Some of the points, in this order."""
        known = {"train": self.train, "elements": self.elements}
        taken = {name: None if part is None else part[rows] for name, part in known.items()}
        return dataclasses.replace(self, inputs=at(self.inputs, rows), labels=self.labels[rows], **taken)


def at(inputs: Any, rows: Tensor | slice) -> Any:
    """The inputs of some points."""
    return of_each(inputs, lambda tensor: tensor[rows])


def of_each(inputs: Any, of: Callable[[Tensor], Tensor]) -> Any:
    """of(tensor) of the inputs, or of each of those that have names."""
    return {name: of(tensor) for name, tensor in inputs.items()} if isinstance(inputs, Mapping) else of(inputs)


def _joined(parts: Sequence[Any]) -> Any:
    """The inputs of several parts, one after the other."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: torch.cat([part[name] for part in parts]) for name in first}
    return torch.cat(list(parts))


def points(inputs: Any, labels: Any = None, train: Any = None, elements: Any = None, *, most: int) -> Points:
    """Points from what a user has.

    inputs: an array with labels beside it; tensors by name (keywords of the network) with labels beside them; a
    `Dataset` or a loader of (inputs, labels) batches; or splits by name, {"train": ..., "test": ...}, each a pair
    (inputs, labels), a dataset or a loader. Splits other than "train" are held out.
    train: which points are trained on, a bool a point or their indices. elements: what each point stands for, a whole
        number a point; of splits by name, those of each split.
    most: points of each split that are kept: of arrays a random choice with a fixed seed, of a loader the first.

    ValueError, of one line, for what gives no points. Reading a loader draws random numbers: the caller restores them.
    """
    if most < 2:
        raise ValueError(f"points = {most}: expected at least 2")
    if isinstance(inputs, Mapping) and TRAIN in inputs and not isinstance(inputs[TRAIN], Tensor | np.ndarray):
        return _of_splits(inputs, labels, train, elements, most)
    notes: list[str] = []
    found = _labelled(inputs, labels, elements, whose="the points", most=most, notes=notes)
    if train is not None:
        found = dataclasses.replace(found, train=_mask(train, len(found)))
    else:
        notes.append("nobody said which points are trained on: all count as trained on, and none as held out")
    return _kept(_without_ignored(found), most)


def task_of(points: Points, n_outputs: int, truth: str = UNKNOWN) -> tuple[Task, Points]:
    """The task of the points, and the points in its order.

    Whole numbers in rows that differ are symbols, in lexicographic order; of other inputs the task holds the index
    alone. n_outputs: the network's; outputs beyond the classes of a group are left out, as published. truth: as in
    `tasks.table`.
    """
    symbols = _symbols(points.inputs)
    if not points.labels.is_floating_point() and _are_inputs(points):
        points.notes.append("the labels are the last symbols of the inputs themselves: that is copying, not predicting")
    if symbols is not None:
        order = lexicographic(symbols)
        points, symbols = points.take(order), symbols[order]
    x = torch.arange(len(points), dtype=torch.float32) if symbols is None else symbols
    said = truth if points.elements is None else (truth, points.elements)
    options: dict[str, Any] = {"truth": said, "train": points.train}
    if points.labels.is_floating_point():
        if (width := points.labels.shape[1]) != n_outputs:
            raise ValueError(f"the labels are {width} numbers a point, the network has {n_outputs} outputs")
    else:
        of_labels = truth if points.elements is None else UNKNOWN
        options["n_classes"] = _n_classes(int(points.labels.max()) + 1, n_outputs, of_labels)
    return task(x, points.labels, **options), points


def _n_classes(needed: int, n_outputs: int, truth: str) -> int:
    if needed > n_outputs:
        raise ValueError(f"the labels go up to {needed - 1}, the network has {n_outputs} outputs")
    order = group(truth).order if "(" in truth else n_outputs
    return order if needed <= order <= n_outputs else n_outputs


def _are_inputs(points: Points) -> bool:
    """Whether each label is the last symbol of its input, as in data whose model shifts its labels by itself."""
    x = points.inputs.get("input_ids") if isinstance(points.inputs, Mapping) else points.inputs
    if not isinstance(x, Tensor) or x.is_floating_point() or x.ndim != 2:
        return False
    return torch.equal(x[:, -1].long(), points.labels)


def _symbols(inputs: Any) -> Int[Tensor, "point operand"] | None:
    """The inputs as symbols; None where they are something else."""
    if not isinstance(inputs, Tensor) or inputs.is_floating_point() or inputs.dtype == torch.bool or inputs.ndim != 2:
        return None
    if inputs.shape[1] > MOST_OPERANDS or int(inputs.min()) < 0 or len(inputs.unique(dim=0)) < len(inputs):
        return None
    return inputs.long()


def _of_splits(splits: Mapping[str, Any], labels: Any, train: Any, elements: Any, most: int) -> Points:
    if labels is not None or train is not None:
        raise ValueError("splits by name have labels of their own and say what is trained on: give inputs alone")
    if elements is not None and not (isinstance(elements, Mapping) and elements.keys() == splits.keys()):
        raise ValueError(f"truth: give what the points stand for by split, as the inputs: {', '.join(splits)}")
    notes: list[str] = []
    parts = {
        name: _kept(_split(name, given, elements and elements[name], most, notes), most)
        for name, given in splits.items()
    }
    if len(parts) < 2:
        notes.append("train is the only split: no point is held out")
    shapes = {name: _shape(part.inputs) for name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the inputs of the splits have different shapes: {shapes}")
    labelled = {name: (part.labels.dtype, part.labels.shape[1:]) for name, part in parts.items()}
    if len(set(labelled.values())) > 1:
        raise ValueError(f"the labels of the splits are of different kinds: {labelled}")
    trained = torch.cat([torch.full((len(part),), name == TRAIN) for name, part in parts.items()])
    every = list(parts.values())
    x = _joined([part.inputs for part in every])
    said = [note for part in every for note in part.notes]
    of = [part.elements for part in every if part.elements is not None]
    y = torch.cat([part.labels for part in every])
    return Points(inputs=x, labels=y, train=trained, elements=torch.cat(of) if of else None, notes=notes + said)


def _split(name: str, given: Any, elements: Any, most: int, notes: list[str]) -> Points:
    x, y = given if isinstance(given, tuple | list) and len(given) == 2 else (given, None)
    found = _labelled(x, y, elements, whose=f"the split {name!r}", most=most, notes=notes)
    return dataclasses.replace(_without_ignored(found), notes=[])


def _shape(inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return tuple((name, tuple(tensor.shape[1:])) for name, tensor in inputs.items())
    return tuple(inputs.shape[1:])


def _labelled(inputs: Any, labels: Any, elements: Any, *, whose: str, most: int, notes: list[str]) -> Points:
    """Inputs and labels as tensors on the CPU."""
    if labels is not None:
        if isinstance(inputs, Mapping):
            x: Any = {name: _tensor(f"{name} of {whose}", values) for name, values in inputs.items()}
        else:
            x = _tensor(f"inputs of {whose}", inputs)
        y = _tensor(f"labels of {whose}", labels)
    elif isinstance(inputs, Tensor | np.ndarray | Mapping):
        raise ValueError(f"labels of {whose} are missing: give labels=, one a point")
    else:
        x, y = _read(inputs, whose, most, notes)
    y = _labels(y, notes)
    sizes = {len(tensor) for tensor in (x.values() if isinstance(x, Mapping) else [x])}
    if sizes != {len(y)} or len(y) < 2:
        raise ValueError(f"{whose}: {sorted(sizes)} inputs and {len(y)} labels; expected one label a point, 2 or more")
    of = None if elements is None else _tensor(f"what {whose} stand for", elements)
    if of is not None and (of.shape != y.shape[:1] or of.is_floating_point()):
        raise ValueError(f"what {whose} stand for: one whole number a point, of {len(y)}; got {tuple(of.shape)}")
    return Points(inputs=x, labels=y, elements=of, notes=notes)


def _read(loader: Any, whose: str, most: int, notes: list[str]) -> tuple[Any, Tensor]:
    """The first batches of a loader, or of a dataset."""
    if isinstance(loader, Dataset) and not isinstance(loader, Iterable):
        loader = DataLoader(loader, batch_size=256)
    if not isinstance(loader, Iterable):
        raise ValueError(f"{whose} are a {type(loader).__name__}: expected arrays, a loader or splits by name")
    xs, ys, seen = [], [], 0
    with generators_kept(_owned(loader)):
        for batch in islice(loader, BATCHES):
            x, y = _batch(batch, whose)
            xs.append(x)
            ys.append(y)
            seen += len(y)
            if seen >= most:
                notes.append(f"{whose}: the first {most} points of the loader; there may be more")
                break
    if not xs:
        raise ValueError(f"{whose}: the loader gave no batch; an iterator that is used up gives none")
    try:
        return at(_joined(xs), slice(most)), torch.cat(ys)[:most]
    except (RuntimeError, KeyError, TypeError) as error:
        raise ValueError(f"{whose}: the batches do not fit together: {str(error).splitlines()[0]}") from None


def _owned(loader: Any) -> Iterator[Any]:
    """What a loader, its samplers and its data have for themselves, among it generators."""
    for one in (loader, *(getattr(loader, name, None) for name in ("sampler", "batch_sampler", "dataset"))):
        yield from getattr(one, "__dict__", {}).values()


def _batch(batch: Any, whose: str) -> tuple[Any, Tensor]:
    if isinstance(batch, Mapping):
        name = next((name for name in LABELS if name in batch), None)
        if name is None:
            raise ValueError(f"{whose}: a batch has {', '.join(map(str, batch))}, none of {', '.join(LABELS)}")
        rest = {key: _tensor(key, value) for key, value in batch.items() if key != name}
        return rest, _tensor(name, batch[name])
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise ValueError(f"{whose}: a batch is a {type(batch).__name__}, expected (inputs, labels)")
    return _tensor("inputs", batch[0]), _tensor("labels", batch[1])


def _labels(y: Tensor, notes: list[str]) -> Tensor:
    """A class a point, int64; or (point, output) numbers."""
    if y.is_floating_point():
        return y[:, None] if y.ndim == 1 else y.flatten(1)
    if y.ndim == 2 and y.shape[1] > 1:
        notes.append(f"labels of {y.shape[1]} positions: the last one is the label of a point")
    return (y[:, -1] if y.ndim == 2 else y.flatten()).long()


def _without_ignored(given: Points) -> Points:
    ignored = given.labels == IGNORED
    if given.labels.is_floating_point() or not bool(ignored.any()):
        return given
    kept = (~ignored).nonzero().flatten()
    if len(kept) < 2:
        raise ValueError(f"all but {len(kept)} of the points have the label {IGNORED}, which losses leave out")
    given.notes.append(f"{int(ignored.sum())} points with the label {IGNORED} are left out")
    return given.take(kept)


def _mask(train: Any, n: int) -> Bool[Tensor, " point"]:
    return split_mask(train, torch.arange(n)[:, None].float())


def _kept(given: Points, most: int) -> Points:
    if len(given) <= most:
        return given
    rows = torch.randperm(len(given), generator=torch.Generator().manual_seed(0))[:most].sort().values
    taken = given.take(rows)
    taken.notes.append(f"{most} of {len(given)} points, drawn at random with a fixed seed")
    return taken


def _tensor(name: str, values: Any) -> Tensor:
    """A detached tensor on the CPU."""
    convert: Callable[[Any], Any] = torch.as_tensor
    try:
        tensor = values.detach() if isinstance(values, Tensor) else convert(np.asarray(values))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} are no array: {str(error).splitlines()[0]}") from None
    if not tensor.ndim:
        raise ValueError(f"{name} are a single number, expected a row a point")
    return tensor.cpu()
