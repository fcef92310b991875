"""Networks of equal shapes seen side by side: every tensor has a leading axis of networks, and one network is a pack of
one."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.models.base import of_replicas
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot, right_answers
from grokscope.runs.views import no_inputs

T = TypeVar("T")
# What networks keep while they are trained.
AT_ONCE = 1 << 20  # numbers of a network that are squared together
KEPT = ("labels", "targets", "masks", "counts", "places")


class Snapshots:
    """Snapshots of networks of equal shapes, on tasks with the same group, trained with one loss.

    Attributes have the names they have in `Snapshot`, with a leading axis of networks. What is asked of a network alone
    is asked of its member: `snapshots[i]`.
    """

    def __init__(self, members: Sequence[Snapshot]) -> None:
        self._members: dict[int, Snapshot] = dict(enumerate(members))
        self._make: Callable[[int], Snapshot] = self._members.__getitem__
        self._n = len(members)
        self._answers: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int) -> Snapshot:
        if index not in self._members:
            self._members[index] = self._make(index)
        return self._members[index]

    def __iter__(self) -> Iterator[Snapshot]:
        return map(self.__getitem__, range(self._n))

    @property
    def first(self) -> Snapshot:
        """The first network: it stands for what all have alike, such as the kind of task, the sites and the loss."""
        return self[0]

    def later(
        self,
        step: int,
        params: Mapping[str, Tensor],
        outputs: Float[Tensor, "network pair output"],
        before: Mapping[str, Tensor] | None,
    ) -> "Snapshots":
        """The same networks at a later step of their training, these being their first weights."""
        new = self._alike(self._n, {name: getattr(self, name) for name in KEPT})
        vars(new).update(params=params, outputs=outputs, before=before, initial=self)

        def member(i: int) -> Snapshot:
            last = None if before is None else of_replicas(before, i)
            mine = {"params": of_replicas(params, i), "outputs": outputs[i], "before": last}
            return self[i].replace(step=step, initial=lambda: self[i], **mine)

        new._make = member
        return new

    def take(self, chosen: Sequence[int]) -> "Snapshots":
        """Some of the networks."""
        if len(chosen) == self._n:
            return self
        known = {
            name: _taken(value, chosen)
            for name, value in vars(self).items()
            if name in (*KEPT, "params", "outputs", "before") and name != "places"
        }
        new = self._alike(len(chosen), known)
        if "initial" in vars(self):
            vars(new)["initial"] = None if self.initial is None else self.initial.take(chosen)
        new._make = lambda i: self[chosen[i]]
        return new

    def _alike(self, n: int, known: Mapping[str, Any]) -> "Snapshots":
        new = Snapshots(())
        new._n = n
        vars(new).update(known)
        return new

    def remembered(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question that several measures ask of these networks, computed once."""
        if question not in self._answers:
            self._answers[question] = answer()
        return self._answers[question]

    @cached_property
    def params(self) -> Mapping[str, Tensor]:
        return _stacked([member.params for member in self])

    @cached_property
    def before(self) -> Mapping[str, Tensor] | None:
        before = [member.before for member in self]
        return None if any(one is None for one in before) else _stacked([one for one in before if one is not None])

    @cached_property
    def initial(self) -> "Snapshots | None":
        first = [member.initial for member in self]
        return None if any(one is None for one in first) else Snapshots([one for one in first if one is not None])

    @cached_property
    def is_finite(self) -> list[bool]:
        """Of each network, whether every weight is a finite number."""
        # A member remembers its answer for all who ask it alone; of several, finite squares say it of all at once.
        if self._n > 1 and self.params and bool(torch.stack(list(self.squares.values())).isfinite().all()):
            return [True] * self._n
        return [member.is_finite for member in self]

    @cached_property
    def outputs(self) -> Float[Tensor, "network pair output"]:
        return _stack([member.outputs for member in self])

    @cached_property
    def logits(self) -> Float[Tensor, "network pair class"]:
        task = self.first.task
        if task.templates is None:
            return self.outputs[..., : task.n_outputs]
        return _stack([member.logits for member in self])

    @cached_property
    def precise_logits(self) -> Float64[Tensor, "network pair class"]:
        """The logits in float64."""
        return self.logits.double()

    @cached_property
    def sample_losses(self) -> Float64[Tensor, "network pair"]:
        if self._n == 1:
            return self.first.sample_losses[None]
        with torch.no_grad():
            return self.first.loss(self.outputs[..., : self.first.task.n_outputs], self.targets, reduction="none")

    @cached_property
    def correct(self) -> Bool[Tensor, "network pair"]:
        if self._n == 1 or not self.first.task.n_classes:
            return _stack([member.correct for member in self])
        return right_answers(self.logits, self.labels)

    def activation(self, site: str) -> Float[Tensor, "network pair *channel"]:
        """A site's activations."""
        if self._n == 1:
            return self.first.activations[site][None]
        inputs = [member.task.inputs for member in (self.initial or self)]
        return self.remembered(("site", site), lambda: self.first.model.site(site, self.params, torch.stack(inputs)))

    @cached_property
    def labels(self) -> Int[Tensor, "network pair"] | Float[Tensor, "network pair output"]:
        return _stack([member.labels for member in self])

    @cached_property
    def targets(self) -> Tensor:
        return _stack([member.task.targets for member in self])

    @cached_property
    def masks(self) -> dict[str, Bool[Tensor, "network pair"]]:
        return _stacked([member.masks for member in self])

    @cached_property
    def counts(self) -> dict[str, list[int]]:
        """How many inputs of a split each network has."""
        return {split: mask.sum(1).tolist() for split, mask in self.masks.items()}

    @cached_property
    def places(self) -> dict[str, tuple[Tensor, ...]]:
        """Network and input of every member of a split, network by network."""
        return {split: mask.nonzero().unbind(1) for split, mask in self.masks.items()}

    def rows(self, split: str) -> Bool[Tensor, "network pair"]:
        """Which inputs are in all, train, test, fresh or twin."""
        if split not in self.masks:
            raise ValueError(unknown("split", split, self.masks))
        return self.masks[split]

    def among(self, split: str, values: Callable[[int], Any]) -> list[Any]:
        """values(i) of each network i; `Missing` where it has no input of the split."""
        none = no_inputs(split)
        return [values(i) if n else none for i, n in enumerate(self.counts[split])]

    def mean(self, values: Float[Tensor, "network pair"], split: str) -> list[float | Missing]:
        """The mean of a quantity over the inputs of a split, of each network."""
        mask = self.rows(split)
        if values.dtype == torch.bool:
            sums = (values & mask).sum(1).tolist()
        else:
            sums = torch.where(mask, values.double(), 0.0).sum(1).tolist()
        return self.among(split, lambda i: sums[i] / self.counts[split][i])

    @cached_property
    def squares(self) -> dict[str, Float64[Tensor, " network"]]:
        """The sum of the squares of each tensor, in float64."""
        return {name: squared(tensor) for name, tensor in self.params.items()}


def squared(tensor: Float[Tensor, "network *shape"]) -> Float64[Tensor, " network"]:
    """The sum of squares of each network's, in float64; of large tensors part by part, in one piece of memory."""
    flat = tensor.flatten(1)
    if flat.shape[1] <= AT_ONCE:
        return flat.double().square().sum(1)
    room = torch.empty(AT_ONCE, dtype=torch.float64)  # temporaries of many sizes would leave holes in the heap

    def of_part(part: Tensor) -> float:
        wide = room[: len(part)].copy_(part)
        return float(wide @ wide)

    return torch.tensor([sum(map(of_part, row.split(AT_ONCE))) for row in flat], dtype=torch.float64)


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0][None] if len(tensors) == 1 else torch.stack(list(tensors))


def _stacked(members: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: _stack([member[name] for member in members]) for name in members[0]}


def _taken(value: Any, chosen: Sequence[int]) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {name: _taken(each, chosen) for name, each in value.items()}
    return [value[i] for i in chosen] if isinstance(value, list) else value[torch.tensor(chosen)]
