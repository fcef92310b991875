"""A task of inputs and labels that somebody gave: arrays (`gs.task`) or a file of them (`runs.own_data`).

Inputs are symbols (whole numbers from 0, any number of operands) or features (other numbers). Symbols stand in
lexicographic order here, whatever their order was: the table of an operation is bitwise the task of that operation.
Inputs that differ in the order of their operands alone share an orbit if they always have the same label.

The truth is a group ("cyclic(97)": class k is its element k, see `numerics.groups`), a manifold of `Truth`, "none", or
"unknown": then measures that need it have no answer. A run is identified by the data's hash, and keeps the data.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from grokscope.numerics.groups import group
from grokscope.registry import Options
from grokscope.tasks._truths import UNKNOWN, name_of, named_truth, spelt, truth_of
from grokscope.tasks.base import Structure, Task, TaskFamily, Truth, number_orbits

# Data by hash: those of this process, and where others can be had.
_data: "dict[str, Data]" = {}
_places: "dict[str, dict[str, Callable[[], Data]]]" = {}
_stores: "dict[str, Callable[[str], Data]]" = {}


class Table(Options):
    """What is None here follows from the data; a config holds the numbers."""

    path: str | None = Field(description="file of inputs and labels: .csv with columns a, b, label (split), or .npz")
    path_hash: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of these data; computed when the config is made"
    )
    n_symbols: int | None = Field(None, ge=0, description="symbols are 0..n_symbols-1; 0: inputs are features [1]")
    n_classes: int | None = Field(None, ge=0, description="labels are 0..n_classes-1; 0: they are numbers [1]")
    truth: str = Field(UNKNOWN, description="cyclic(97) or another group, circle, torus, segment, ..., none, unknown")
    own_split: bool | None = Field(None, description="train on the inputs that the data say; else a split is drawn")
    tolerance: float | None = Field(
        None, gt=0, description="of labels that are numbers: mean squared error of a correct answer; null: none is"
    )


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs with their labels, as `data` brings them into order. train: the inputs that they say are trained on.
    elements: what each input stands for, where that is not its label."""

    inputs: Int[Tensor, "pair operand"] | Float[Tensor, "pair feature"]
    labels: Int[Tensor, " pair"] | Float[Tensor, "pair output"]
    train: Bool[Tensor, " pair"] | None = None
    elements: Int[Tensor, " pair"] | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the numbers, whatever file they were in."""
        digest = hashlib.sha256()
        for name, tensor in self.tensors.items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode() + tensor.numpy().tobytes())
        return digest.hexdigest()

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Its parts by name."""
        parts = {"inputs": self.inputs, "labels": self.labels, "train": self.train, "elements": self.elements}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def narrow(self) -> dict[str, Tensor]:
        """The same in the smallest integers that hold it."""
        return {name: _narrow(tensor) for name, tensor in self.tensors.items()}


def data(inputs: Any, labels: Any, train: Any = None, elements: Any = None) -> Data:
    """Data from arrays of any kind: (input, operand) symbols or (input, feature) numbers; a label an input, whole
    numbers for classes, or numbers; train: a bool an input; elements: a whole number an input. ValueError, of one line,
    for what is no task."""
    x, y = _array("inputs", inputs), _array("labels", labels)
    x = x[:, None] if x.ndim == 1 else x
    y = y[:, None] if y.is_floating_point() and y.ndim == 1 else y
    if x.ndim != 2 or y.ndim != (2 if y.is_floating_point() else 1) or len(x) != len(y) or len(x) < 2:
        raise ValueError(
            f"inputs of shape {tuple(x.shape)} and labels of shape {tuple(y.shape)}: expected (input, operand) and one "
            "label an input, of at least 2 inputs"
        )
    mask = None if train is None else _mask(train, len(x))
    of = None if elements is None else _elements(elements, len(x))
    if not x.is_floating_point():
        order = lexicographic(x)
        x, y = x[order], y[order]
        mask, of = (None if part is None else part[order] for part in (mask, of))
        twice = (x[1:] == x[:-1]).all(1).nonzero().flatten().tolist()
        if twice:
            raise ValueError(f"the input {tuple(x[twice[0]].tolist())} stands there twice; each input has one label")
    return Data(x.contiguous(), y.contiguous(), mask, of)


def lexicographic(symbols: Int[Tensor, "input operand"]) -> Int[Tensor, " input"]:
    """The places of inputs in lexicographic order."""
    return torch.from_numpy(np.lexsort(symbols.T.flip(0).numpy()))


def task(
    inputs: Any,
    labels: Any,
    *,
    n_symbols: int | None = None,
    n_classes: int | None = None,
    truth: Any = UNKNOWN,
    train: Any = None,
    tolerance: float | None = None,
) -> Task:
    """A task of anybody's arrays, for `gs.recipe("quickstart", task=...)`: it is trained on as any other, and kept with
    its runs. The arguments are those of `data` and of `Table`. truth: a name; or what each input stands for, a whole
    number an input; or both, ("cyclic(7)", elements)."""
    name, elements = named_truth(truth)
    made = data(inputs, labels, train, elements)
    about: dict[str, Any] = {"n_symbols": n_symbols, "n_classes": n_classes, "truth": name, "tolerance": tolerance}
    options = Table(path=None, **about)
    return _task(completed(options, made), made)


def fields_of(given: Task) -> dict[str, Any]:
    """The fields of a config whose task is this one; its data are remembered. ValueError for a task with more to it
    than inputs, labels and a truth that has a name."""
    made = data(given.inputs, given.labels, given.train, given.structure and given.structure.elements)
    of, n = (given.truth, given.n_classes) if given.structure is None else (given.structure.truth, given.structure.n)
    name = name_of(of, n)
    if given.templates is not None or given.answers is not None or name is None:
        raise ValueError("this task is not one of gs.task: name it by its id")
    fields: dict[str, Any] = {"n_symbols": given.n_symbols, "n_classes": given.n_classes, "tolerance": given.tolerance}
    return {"task": "table", "path": None, "path_hash": remember(made), "truth": name, **fields} | {
        "own_split": given.train is not None
    }


def completed(options: Table, of: Data, told: Mapping[str, Any] | None = None) -> Table:
    """The options with what follows from the data, and what these tell of themselves; the data are remembered.
    ValueError for what does not fit them."""
    given = {name: value for name, value in options.model_dump().items() if value is not None}
    if options.truth == UNKNOWN:
        del given["truth"]
    symbols, classes = _count(of.inputs), _count(of.labels)
    found: dict[str, Any] = {"n_symbols": symbols, "n_classes": classes, "own_split": of.train is not None}
    fields: dict[str, Any] = found | dict(told or {}) | given | {"path_hash": remember(of)}
    made = Table(**{"path": None, **fields})
    for name, needed in (("n_symbols", symbols), ("n_classes", classes)):
        if getattr(made, name) < needed or (needed == 0) != (getattr(made, name) == 0):
            raise ValueError(f"{name} = {getattr(made, name)} does not fit the data, which need {needed}")
    if classes == 1:
        raise ValueError("every input has the label 0: a task has at least two classes")
    if made.own_split and of.train is None:
        raise ValueError("own_split = true, but the data have no split")
    return made.model_copy(update={"truth": spelt(made.truth, _n_elements(made, of))})


def remember(of: Data) -> str:
    """Keeps data for this process; their hash."""
    _data.setdefault(of.digest, of)
    return of.digest


def offer(digest: str, place: str, source: Callable[[], Data]) -> None:
    """Says where data of a hash can be had, without looking."""
    if digest not in _data:
        _places.setdefault(digest, {})[place] = source


def look_in(place: str, source: Callable[[str], Data]) -> None:
    """Says where data of any hash may be had, if no other place has them."""
    _stores[place] = source


def recall(digest: str) -> Data:
    """The data of a hash. ValueError, with what became of the places where they were, if they cannot be had."""
    if digest in _data:
        return _data[digest]
    reasons = []
    stores = {place: partial(source, digest) for place, source in _stores.items()}
    for place, source in (_places.get(digest, {}) | stores).items():
        try:
            if remember(found := source()) == digest:
                return found
            reasons.append(f"{place} holds other data now ({found.digest[:12]})")
        except Exception as error:  # whatever has become of one place, the next may have them
            reasons.append(str(error))
    why = "; ".join(reasons) or "no run that keeps them is in this store, and no path is given"
    raise ValueError(f"the data {digest[:12]} of this task cannot be had: {why}")


def build(options: Table) -> Task:
    if options.path_hash is None:
        raise ValueError("task = table needs its data: give path=FILE, or task=gs.task(inputs, labels)")
    made = recall(options.path_hash)
    return _task(completed(options, made), made)


def _task(options: Table, made: Data) -> Task:
    truth = truth_of(options.truth, n := _n_elements(options, made))
    return Task(
        inputs=made.inputs,
        labels=made.labels,
        orbits=_orbits(made),
        n_symbols=options.n_symbols or 0,
        n_classes=options.n_classes or 0,
        tolerance=options.tolerance,
        truth=truth if made.elements is None else Truth(known=False),
        train=made.train if options.own_split else None,
        structure=None if made.elements is None else Structure(elements=made.elements, n=n, truth=truth),
    )


def _n_elements(options: Table, of: Data) -> int:
    """The number of elements that the truth speaks of: of a group its order, if no element is beyond it."""
    if of.elements is None:
        return options.n_classes or 0
    needed = _count(of.elements)
    order = group(options.truth).order if "(" in options.truth else needed
    return max(needed, order)


def _orbits(of: Data) -> Int[Tensor, " pair"]:
    alone = torch.arange(len(of.inputs))
    if of.inputs.is_floating_point():
        return alone
    which = number_orbits(torch.unique(of.inputs.sort(dim=1).values, dim=0, return_inverse=True)[1])
    first = torch.full((int(which.max()) + 1,), len(which)).scatter_reduce(0, which, alone, reduce="amin")
    return which if torch.equal(of.labels, of.labels[first[which]]) else alone


def _count(values: Tensor) -> int:
    """How many symbols or classes there are; 0 for numbers."""
    return 0 if values.is_floating_point() else int(values.max()) + 1


def _array(name: str, values: Any) -> Tensor:
    """int64 from 0 on, or finite float32."""
    try:
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} are no array: {str(error).splitlines()[0]}") from None
    if array.dtype.kind in "bui":
        tensor = torch.from_numpy(array.astype(np.int64))
        if tensor.numel() and int(tensor.min()) < 0:
            raise ValueError(f"{name} are whole numbers from 0 on, got {int(tensor.min())}")
        return tensor
    if array.dtype.kind != "f":
        raise ValueError(f"{name} are numbers, got an array of {array.dtype}")
    tensor = torch.from_numpy(array.astype(np.float32))
    if not tensor.isfinite().all():
        raise ValueError(f"{name} are finite numbers, got {float(tensor[~tensor.isfinite()][0])}")
    return tensor


def _elements(elements: Any, n: int) -> Int[Tensor, " pair"]:
    of = _array("the elements", elements)
    if of.shape != (n,) or of.is_floating_point():
        raise ValueError(f"the elements are one whole number an input, of {n}; got {tuple(of.shape)} {of.dtype}")
    return of


def _mask(train: Any, n: int) -> Bool[Tensor, " pair"]:
    mask = _array("the split", train)
    if mask.shape != (n,) or mask.is_floating_point() or int(mask.max()) > 1 or not mask.any():
        raise ValueError(f"the split is one bool an input, at least one of them true; got shape {tuple(mask.shape)}")
    return mask.bool()


def _narrow(tensor: Tensor) -> Tensor:
    if tensor.dtype != torch.int64:
        return tensor
    largest, kinds = int(tensor.max()), (torch.uint8, torch.int16, torch.int32, torch.int64)
    return tensor.to(next(kind for kind in kinds if largest <= torch.iinfo(kind).max))


table = TaskFamily(options=Table, build=build)
