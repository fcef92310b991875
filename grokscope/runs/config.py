"""RunConfig: everything that decides a run, flat, frozen and validated.

The fields of training are declared here. Those of the task, the model, the loss, the optimizer and the transforms are
declared, and validated, by the options of the component (`grokscope.tasks.modular_addition`: p;
`grokscope.models.transformer`: d_model, n_heads, ...). Users see one flat list: `config.p`, `--set p=59`.
"""

import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from jaxtyping import Bool
from pydantic import ConfigDict, Field, model_serializer, model_validator
from pydantic.fields import FieldInfo
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.models.base import Interface, Model
from grokscope.registry import Options, Record, component, kept, may_differ, names, origin, per_replica
from grokscope.runs import own_data
from grokscope.runs.fields import COMPONENTS, TRANSFORMS, unknown_field
from grokscope.runs.identity import config_hash, pack_hash
from grokscope.runs.outside import SMALL, read_file
from grokscope.tasks.base import Size, Task
from grokscope.tasks.table import Table, fields_of


class RunConfig(Record):
    """The configuration of one run (one replica). Two equal configs are the same run."""

    model_config = ConfigDict(extra="allow")
    _open: ClassVar[bool] = False  # whether fields of components that are not known are kept

    if TYPE_CHECKING:  # type checkers see the declared fields only, not those of the components

        def __init__(self, /, **fields: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    task: str = Field("modular_addition", description="task id")
    random_labels: bool = per_replica(False, description="draw all labels at random: they can only be memorised")
    label_noise: float = per_replica(0.0, ge=0, le=1, description="share of training labels drawn at random [1]")
    outliers: int = per_replica(0, ge=0, description="number of training labels drawn at random [1]")
    train_fraction: float = per_replica(0.3, gt=0, lt=1, description="share of all inputs in the training set [1]")
    n_train: int | None = per_replica(None, ge=1, description="training inputs, instead of train_fraction [1]")
    split: Literal["shuffled", "nested"] = per_replica(
        "shuffled", description="split drawn by the seed, or one fixed shuffle for all seeds"
    )
    seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the initial weights, the split and the batches")
    model: str = Field("transformer", description="model id")
    dtype: Literal["float32", "float64"] = Field("float32", description="dtype of weights and activations")
    tf32: bool = Field(
        False, description="round the factors of float32 matrix products to TF32 (10 bits) in training steps; on a GPU"
    )
    init_scale: float = per_replica(1.0, gt=0, description="factor on all initial weights and biases [1]")
    start: str | None = per_replica(
        None, description="safetensors file with the initial weights, as `grokscope export` writes; null: drawn"
    )
    start_hash: str | None = per_replica(None, description="SHA-256 of that file; computed when the config is made")
    init_noise: float = per_replica(
        0.0, ge=0, description="Gaussian noise on the initial weights, in units of each tensor's root mean square [1]"
    )
    output_scale: float = per_replica(1.0, gt=0, description="factor alpha on the network's outputs [1]")
    centred: bool = Field(False, description="train alpha (f - f_0): subtract the outputs of step 0")
    linearised: bool = Field(False, description="train the network's first-order expansion around its initial weights")
    loss: str = Field("cross_entropy", description="loss id")
    optimizer: str = Field("adamw", description="optimizer id")
    learning_rate: float = per_replica(1e-3, gt=0, description="learning rate [1]")
    divide_rate_by_scale: bool = Field(False, description="divide the learning rate by output_scale^2")
    warmup_steps: int = per_replica(10, ge=0, description="linear warm-up: rate * min(step / warmup_steps, 1) [steps]")
    batch_size: int | None = Field(None, ge=1, description="samples a step; null: all training inputs [1]")
    weight_decay: float = per_replica(1.0, ge=0, description="weight decay, on every parameter [1]")
    weight_decay_start: int = per_replica(0, ge=0, description="first step with weight decay [steps]")
    weight_decay_stop: int | None = per_replica(None, ge=0, description="first step without it; null: never [steps]")
    tensor_rates: dict[str, float] = Field({}, description="factors on the learning rate of tensors, by name [1]")
    tensor_decays: dict[str, float] = Field({}, description="factors on the weight decay of tensors, by name [1]")
    max_steps: int = Field(40_000, ge=1, description="the run ends here at the latest [steps]")
    evaluate_every: int = Field(25, ge=1, description="evaluations are at most this far apart [steps]")
    checkpoint_ratio: float = Field(1.2, gt=1, description="ratio of checkpoint steps outside the transition [1]")
    checkpoint_every: int = Field(250, ge=1, description="distance of checkpoints within the transition [steps]")
    stop_accuracy: float = Field(0.99, gt=0, le=1, description="stop rule: level of test and fresh accuracy [1]")
    stop_after: int = Field(40, ge=1, description="stop rule: evaluations in a row at this level [1]")

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        """Lets each component validate its fields and fill in their defaults."""
        if not isinstance(data, Mapping):
            return data
        declared = cls.model_fields  # a descriptor: each access takes a microsecond
        own = {key: value for key, value in data.items() if key in declared}
        extra = {key: value for key, value in data.items() if key not in declared}
        if isinstance(own.get("task"), Task):
            extra = fields_of(own["task"]) | extra
            own["task"] = extra.pop("task")
        known = set(declared)
        for options in cls._parts(own):
            fields = options.model_fields
            if taken := known & fields.keys():
                raise ValueError(f"{options.__name__} has a field {min(taken)!r}, which the run has already: rename it")
            known |= fields.keys()
            made = options(**{key: extra.pop(key) for key in fields.keys() & extra.keys()})
            own |= dict(own_data.completed(made) if isinstance(made, Table) else made)
        if extra and not cls._open:
            raise ValueError(unknown_field(next(iter(extra)), known))
        if own.get("tf32") is True and own.get("dtype") == "float64":
            raise ValueError("tf32 rounds products of float32, this run has dtype = float64; leave out one of the two")
        if own.get("start") is not None and own.get("start_hash") is None:
            own["start_hash"] = _hash(own["start"])
        return own | extra

    @classmethod
    def _parts(cls, chosen: Mapping[str, Any]) -> list[type[Options]]:
        """The options whose fields belong to a config with these fields."""
        return options_of(chosen)

    @property
    def plain(self) -> dict[str, Any]:
        """The fields in JSON's own types, as pack.json holds them."""
        return self.model_dump(mode="json")

    @property
    def key(self) -> str:
        """A hash of the config: a run has the same key in every pack that trains it."""
        return self._key

    # Cached under a private name: pydantic would list a public one among the fields.
    @functools.cached_property
    def _key(self) -> str:
        return config_hash(self.plain)

    def share(self, other: "RunConfig") -> None:
        """Holds what equals that of another config once: a quarter of the memory."""
        for name in ("__pydantic_extra__", "__pydantic_fields_set__"):
            if getattr(self, name) == getattr(other, name):
                object.__setattr__(self, name, getattr(other, name))

    def replace(self, /, **fields: Any) -> "RunConfig":
        """The config with some fields changed. A changed component drops the fields of the old one."""
        data = self.model_dump()
        if "start" in fields:
            data["start_hash"] = None
        if "path" in fields and "path_hash" in data:  # what followed from the data of the other file
            data = {name: value for name, value in data.items() if name not in Table.model_fields}
        for field, family in COMPONENTS.items():
            if fields.get(field, data[field]) != data[field]:
                for name in component(family, data[field]).options.model_fields:
                    data.pop(name, None)
        return type(self)(**(data | fields))

    @model_serializer(mode="wrap")
    def _written(self, dump: Callable[["RunConfig"], dict[str, Any]]) -> dict[str, Any]:
        """All fields, without those of later transforms at their defaults: a new transform leaves the ids of runs
        without it unchanged."""
        fields, left_out = dump(self), set[str]()
        for options in transform_options().values():
            if options.came_later and self._of(options) == _default(options):
                left_out.update(_fields(options))
        return {name: value for name, value in fields.items() if name not in left_out}

    def options(self, field: Literal["task", "model", "loss", "optimizer"]) -> Options:
        """The options of the chosen task, model, loss or optimizer."""
        return self._of(component(COMPONENTS[field], getattr(self, field)).options)

    @property
    def transforms(self) -> dict[str, Any]:
        """The options of each transform, by its id; `is_on` says whether it has an effect."""
        return {name: self._of(options) for name, options in transform_options().items()}

    def _of(self, options: type[Options]) -> Any:
        fields = self.__pydantic_extra__ or {}
        # A transform of a plugin may have come after the config was made.
        return options.model_construct(**{name: fields[name] for name in _fields(options) if name in fields})

    @property
    def may_differ(self) -> set[str]:
        """The fields in which the replicas of a pack may differ."""
        return set().union(*map(may_differ, (RunConfig, *options_of(self.__dict__))))

    @property
    def rate(self) -> float:
        """The learning rate after warm-up, before factors on single tensors."""
        factor = math.prod(options.rate_factor(self) for options in self.transforms.values())
        return self.learning_rate * factor / (self.output_scale**2 if self.divide_rate_by_scale else 1)

    @property
    def is_plain_descent(self) -> bool:
        """Whether each step of all weights is the rate times the gradient over all training inputs, and no more."""
        changed = any(options.is_on for options in self.transforms.values()) or self.batch_size is not None
        scaled = self.weight_decay or self.warmup_steps or self.tensor_rates
        optimizer: Any = self.options("optimizer")
        return optimizer.is_plain and not (changed or scaled)

    @property
    def decay_sets_the_time(self) -> bool:
        """Whether it is weight decay, at work from its start to the end of the run, that brings it to generalise."""
        optimizer: Any = self.options("optimizer")
        stopped = self.weight_decay_stop is not None or any(one.stops_decay for one in self.transforms.values())
        return optimizer.decay_sets_the_time and self.weight_decay > 0 and self.rate > 0 and not stopped

    @property
    def remarks(self) -> list[str]:
        """Sentences about settings that are allowed and do less than they seem to."""
        remarks = [remark for options in self.transforms.values() for remark in options.remarks(self)]
        if isinstance(data := self.options("task"), Table) and data.own_split:
            remarks.append("the data say which inputs are trained on: train_fraction, n_train and split change nothing")
        if not self.build_model(self.task_size()).sees_order and (n := (task := self.build_task()).n_ordered):
            remarks.append(
                f"the network answers (a, b) as (b, a), and in {n} of {task.n_inputs} inputs these have different "
                "answers: it cannot learn them"
            )
        if self.linearised:
            remarks.append("linearised: outputs are linear in the weights; activations are those of the network itself")
        return remarks

    def build_task(self) -> Task:
        """The task, with random labels if the config says so."""
        task = _task(self.task, self.options("task").model_dump_json())
        if self.random_labels:
            task = task.with_random_labels(self.seed)
        if self.label_noise or self.outliers:
            task = task.with_noise(self.train_mask(task), self.label_noise, self.outliers, self.seed)
        return task

    def task_size(self) -> Size:
        """The sizes of the task; nothing large is built."""
        family, options = component("tasks", self.task), self.options("task")
        return family.size(options) if family.size else Size.of(_task(self.task, options.model_dump_json()))

    def train_mask(self, task: Task) -> Bool[Tensor, " pair"]:
        """The training inputs, as a mask."""
        return task.split(self.train_fraction, self.seed, n_train=self.n_train, rule=self.split)

    def build_model(self, task: Task | Size) -> Model:
        """The model for a task."""
        return component("models", self.model)(self.options("model"), interface(task))


# Kept, as pydantic takes its time for either.
_fields = functools.cache(lambda options: tuple(options.model_fields))
_default = functools.cache(lambda options: options())


@kept
def transform_options() -> dict[str, Any]:
    """The options of every transform, by its id. ValueError for a plugin's that would change the ids of all runs."""
    found = {name: component(TRANSFORMS, name).options for name in names(TRANSFORMS)}
    for name, options in found.items():
        if (plugin := origin(TRANSFORMS, name)) and not options.came_later:
            raise ValueError(f"transform {name!r} of the plugin {plugin.name} has came_later = False: leave it out")
    return found


def options_of(chosen: Mapping[str, Any]) -> list[type[Options]]:
    """The options whose fields belong to a config: of all transforms, and of the components that `chosen` names in the
    fields of `COMPONENTS`; a missing field counts as its default."""
    return [*transform_options().values(), *(component(family, id_).options for family, id_ in named(chosen))]


def named(chosen: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Family and id of each component that a config names; a missing field counts as its default."""
    defaults = RunConfig.model_fields
    return [(family, chosen.get(field, defaults[field].default)) for field, family in COMPONENTS.items()]


def every_field(chosen: Mapping[str, str] = {}) -> Iterator[tuple[str, str, FieldInfo]]:
    """Name, owner ("run", "task modular_addition") and description of each field that a config can have; with some
    components chosen, such as a task, of each that a config with these has."""
    of = dict(named(chosen)) if chosen else {}
    for family, one in of.items():
        component(family, one)  # ValueError for an unknown one
    yield from ((name, "run", field) for name, field in RunConfig.model_fields.items())
    for kind, family in (COMPONENTS | {"transform": TRANSFORMS}).items():
        for one in [of[family]] if family in of else names(family):
            fields = component(family, one).options.model_fields
            yield from ((name, f"{kind} {one}", field) for name, field in fields.items())


def interface(task: Task | Size) -> Interface:
    """The sizes of a task that a model needs."""
    size = Size.of(task) if isinstance(task, Task) else task
    return Interface(n_symbols=size.n_symbols, n_operands=size.n_operands, n_outputs=size.n_outputs)


def pack_id(configs: Sequence[RunConfig], *, ends: bool = True) -> str:
    """The pack's id: a hash of its configs, in order. ends: with the rules that end it; a sweep and a study plan their
    packs with them, a run that may be extended has an id without them."""
    return pack_hash([config.plain for config in configs], ends=ends)


def _hash(path: str | Path) -> str:
    """SHA-256 of the file: two configs are the same run only if they start from the same weights. A small file without
    weights gets a hash too; the training says what is wrong with it."""
    try:
        try:
            data = read_file(path, checked="safetensors")
        except GrokscopeError:
            data = read_file(path, most=SMALL)
        return hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise ValueError(f"cannot read start = {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"start: {error}") from error


@functools.lru_cache(maxsize=8)
def _task(name: str, options: str) -> Task:
    """The task; tasks are immutable, so the replicas of a pack share one. options: JSON, as the key of the cache."""
    family = component("tasks", name)
    return family.build(family.options.model_validate_json(options))
