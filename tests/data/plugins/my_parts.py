"""One component of each kind."""

import torch
from pydantic import Field

import grokscope as gs
from grokscope.losses.base import Loss, class_index
from grokscope.measures.base import measure
from grokscope.models.base import Model, ModelOptions, normal
from grokscope.predictions.base import Theory
from grokscope.predictions.families import Family
from grokscope.predictions.rows import last, per_group
from grokscope.predictions.shared import of_field
from grokscope.registry import Options, per_replica
from grokscope.report.figures.base import draws
from grokscope.report.page import theme
from grokscope.statistics.regions import above, below
from grokscope.tasks.base import Task, TaskFamily, Truth, pair_orbits
from grokscope.training.optimizers.base import Optimizer, OptimizerOptions, column
from grokscope.training.optimizers.sgd import sgd  # noqa: F401  what is imported is not its own
from grokscope.training.transforms.base import Transform, TransformOptions
from grokscope.watch.sinks.base import Function, Service


class Larger(Options):
    p: int = Field(7, ge=2, le=1000, description="how many numbers [1]")
    slack: int = Field(0, ge=0, description="added to every answer, modulo p [1]")


def build(options: Larger) -> Task:
    pairs = torch.cartesian_prod(torch.arange(options.p), torch.arange(options.p))
    low, high = pairs.amin(1), pairs.amax(1)
    return Task(
        inputs=pairs,
        labels=(high + options.slack) % options.p,
        orbits=pair_orbits(low, high, options.p),
        n_symbols=options.p,
        n_classes=options.p,
        truth=Truth(manifold="segment", intrinsic_dimension=1, embedding_dimension=1, betti=(1,)),
    )


larger_of_two = TaskFamily(options=Larger, build=build)


class RowsOptions(ModelOptions):
    row_scale: float = Field(0.1, gt=0, description="standard deviation of the initial rows [1]")


class Rows(Model):
    """Outputs are a row of the first symbol plus one of the second."""

    options = RowsOptions

    @property
    def weight_shapes(self):
        return {"W_E": (self.interface.n_symbols, self.interface.n_outputs)}

    def draw(self, generator):
        return {"W_E": normal(self.weight_shapes["W_E"], self.settings.row_scale, generator)}

    def outputs(self, params, inputs):
        index = inputs.flatten(1)[..., None].expand(-1, -1, self.interface.n_outputs)
        return params["W_E"].gather(1, index).unflatten(1, inputs.shape[1:]).sum(2)

    @property
    def sites(self):
        def logits(site):
            return self.outputs({name: tensor[None] for name, tensor in site.params.items()}, site.inputs[None])[0]

        return {"embed": lambda site: site.params["W_E"], "logits": logits}


rows = Rows


class AbsoluteOptions(Options):
    reach: float = Field(1.0, gt=0, description="output of the right answer [1]")


def of_distances(outputs, targets, options, with_gradient):
    """Mean distance of the outputs from a one-hot vector."""
    wanted = torch.zeros_like(outputs, dtype=torch.float64).scatter_(-1, class_index(outputs, targets), options.reach)
    error = outputs.double() - wanted
    return error.abs().mean(-1), error.sign() / outputs.shape[-1] if with_gradient else None


absolute = Loss(options=AbsoluteOptions, function=of_distances)


class SignsOptions(OptimizerOptions):
    stretch: float = per_replica(1.0, gt=0, description="factor on each step [1]")


class Signs(Optimizer):
    options = SignsOptions

    def __init__(self, configs, params) -> None:
        self.state = {}
        self._stretch = column(configs, lambda config: config.stretch, params)

    def update(self, params, gradients, *, step, rates, decay) -> None:
        params.mul_((1 - rates * decay).to(params))
        params.sub_((rates * self._stretch).to(params) * gradients.sign())


signs = Signs


class ClippedOptions(TransformOptions):
    largest_element: float = per_replica(0.0, ge=0, description="bound of an element of the gradient; 0: none [1]")

    @property
    def is_on(self) -> bool:
        return self.largest_element > 0


class Clipped(Transform):
    options = ClippedOptions
    when = "before"

    def __init__(self, bound) -> None:
        self.state, self._bound = {}, bound

    @classmethod
    def build(cls, configs, flat):
        bounds = column(configs, lambda config: config.largest_element or float("inf"), flat.params)
        return cls(bounds.to(flat.params))

    def apply(self, params, gradients, *, step) -> None:
        gradients.clamp_(-self._bound, self._bound)


clipped = Clipped


@measure(unit="1", source="an example")
def largest(snapshot: gs.Snapshot) -> float:
    """max |theta| over every parameter."""
    return max(float(tensor.abs().max()) for tensor in snapshot.params.values())


longer = Theory(
    id="longer",
    title={"en": "Decay sets the norm"},
    source="an example",
    arms=(
        Family(id="base"),
        of_field("weight_decay", lambda _, __: {decay: {"weight_decay": decay} for decay in (0.5, 2.0)}),
    ),
    predictions=(
        per_group(
            lambda little, much: float(little > much),
            last("my_parts.largest"),
            arms=("weight_decay=0.5", "weight_decay=2"),
            share=True,
            id="longer.norms",
            claim={"en": "Less decay, longer weights"},
            measured={"en": "share of seeds with the longer weights"},
            supports=above(0.8),
            refutes=below(0.5),
        ),
    ),
)


@draws("run")
def last_step(readings, lang="en"):
    """The last evaluated step."""
    return theme.blank(300).add_scatter(x=[readings.last_step], y=[0])


def in_a_file(watched):
    """A line a step in a file of the watch's folder."""

    def write(step, values):
        with (watched.folder / "lines.txt").open("a") as file:
            file.write(f"{step} {values}\n")

    return Function(write)


lines = Service(opened=in_a_file)
words = {"en": {"figure.last_step": "Where it ends"}, "zh": {"figure.last_step": "终点在哪一步"}}


def smallest() -> gs.RunConfig:
    """All parts together: seven numbers, three steps."""
    own = {"task": "larger_of_two", "model": "rows", "loss": "absolute", "optimizer": "signs", "largest_element": 0.01}
    return gs.RunConfig(**own, train_fraction=0.5, max_steps=3, weight_decay=0.5)
