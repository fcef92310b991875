"""What every network keeps, with each of its options, on every kind of input that its constructor accepts."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Activations, Interface, Model
from grokscope.models.parts import program as program_parts
from grokscope.registry import component, names

N_INPUTS, RANK = 40, 2
INTERFACES = {
    "pairs": Interface(n_symbols=7, n_operands=2, n_outputs=7),
    "triples": Interface(n_symbols=5, n_operands=3, n_outputs=4),
    "features": Interface(n_symbols=0, n_operands=6, n_outputs=3),
    "one output": Interface(n_symbols=0, n_operands=6, n_outputs=1),
}
SIZES = {"d_model": 12, "n_heads": 3, "d_mlp": 10, "d_embed": 6, "n_hidden": 2, "n_layers": 2}


def made(name: str, kind: str, **options: Any) -> Model | None:
    """The network with small sizes; None where its constructor refuses this kind of input or these options."""
    architecture = component("models", name)
    small = {field: size for field, size in SIZES.items() if field in architecture.options.model_fields}
    try:
        return architecture(architecture.options(**(small | options)), INTERFACES[kind])
    except ValueError:
        return None


def choices(name: str) -> Iterator[dict[str, Any]]:
    """Each value of each option with a list of values, alone."""
    for field, info in component("models", name).options.model_fields.items():
        values = (True, False) if info.annotation is bool else get_args(info.annotation)
        if info.annotation is bool or get_origin(info.annotation) is Literal:
            yield from ({field: value} for value in values if value != info.default)


def numbers(name: str) -> Iterator[dict[str, Any]]:
    """Another value of each number, alone; of sizes the smallest."""
    for field, info in component("models", name).options.model_fields.items():
        if info.annotation is float:
            yield {field: 0.25 + info.default / 2}
        elif info.annotation is int:
            yield {field: 1}


def necks(name: str, kind: str) -> Iterator[dict[str, Any]]:
    model = made(name, kind)
    yield from ({"bottleneck": site, "bottleneck_rank": RANK} for site in (model.bottleneck_widths if model else ()))


TRAINED = [name for name in names("models") if component("models", name).trains]
PLAIN = [(name, kind, {}) for name in TRAINED for kind in INTERFACES if made(name, kind)]
NECKS = [(name, kind, neck) for name, kind, _ in PLAIN for neck in necks(name, kind)]
CHOSEN = [
    (name, kind, options)
    for name in TRAINED
    for kind in INTERFACES
    for options in [*choices(name), *numbers(name)]
    if made(name, kind, **options)
]
plainly = pytest.mark.parametrize(("name", "kind", "options"), PLAIN, ids=str)
with_each_neck = pytest.mark.parametrize(("name", "kind", "options"), NECKS, ids=str)
always = pytest.mark.parametrize(("name", "kind", "options"), PLAIN + NECKS + CHOSEN, ids=str)


def network(name: str, kind: str, options: dict[str, Any]) -> Model:
    model = made(name, kind, **options)
    assert model is not None
    return model


def weights(model: Model, seed: int, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Initial weights of a replica, moved a little: what starts at 0 or 1 must count. A bottleneck keeps its rank."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {name: tensor.double() for name, tensor in model.init(generator).items()}
    moves = {name: 0.2 * torch.randn(tensor.shape, generator=generator) for name, tensor in drawn.items()}
    still = ("W_down", "W_up")
    return {name: (tensor if name in still else tensor + moves[name]).to(dtype) for name, tensor in drawn.items()}


def pack(model: Model, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    replicas = [weights(model, seed, dtype) for seed in (0, 1, 2)]
    return {name: torch.stack([replica[name] for replica in replicas]) for name in replicas[0]}


def inputs(model: Model, dtype: torch.dtype = torch.float64) -> Tensor:
    """Other inputs for each of three replicas."""
    shape, generator = (3, N_INPUTS, model.interface.n_operands), torch.Generator().manual_seed(9)
    if model.interface.n_symbols:
        return torch.randint(model.interface.n_symbols, shape, generator=generator)
    return torch.randn(shape, generator=generator).to(dtype)


def squared(outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
    """A loss whose gradient differs from sample to sample."""
    generator = torch.Generator().manual_seed(5)
    targets = torch.randn((3, N_INPUTS, outputs.shape[-1]), generator=generator, dtype=torch.float64)
    error = outputs - targets[replicas, rows].to(outputs.dtype)
    return error.square().sum(-1) / 2, error


def close(one: Tensor, other: Tensor, tolerance: float, scale: float | None = None) -> None:
    scale = float(other.abs().max()) if scale is None else scale
    torch.testing.assert_close(one, other, atol=tolerance * scale, rtol=0)


@pytest.mark.parametrize("name", TRAINED)
def test_every_choice_is_to_be_had_and_every_option_described(name: str) -> None:
    assert any(made(name, kind) for kind in INTERFACES)
    for options in choices(name):
        assert any(made(name, kind, **options) for kind in INTERFACES), options
    assert all(field.description for field in component("models", name).options.model_fields.values())


@always
def test_initial_weights_have_the_declared_shapes_and_follow_from_the_seed(
    name: str, kind: str, options: dict[str, Any]
) -> None:
    model, before = network(name, kind, options), torch.get_rng_state()
    one, same, other = (model.init(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert list(model.shapes.items()) == [(weight, tuple(tensor.shape)) for weight, tensor in one.items()]
    assert {tensor.dtype for tensor in one.values()} == {torch.float32}
    assert all(torch.equal(tensor, same[weight]) for weight, tensor in one.items())
    assert not all(torch.equal(tensor, other[weight]) for weight, tensor in one.items())
    assert torch.equal(before, torch.get_rng_state())


@always
def test_a_pack_is_its_replicas(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    packed, x = pack(model), inputs(model)
    together, program = model.outputs(packed, x), model.program(x)
    losses, gradients = program.gradients(packed, squared)
    for replica in range(3):
        alone, part = weights(model, replica), slice(replica, replica + 1)
        single = {weight: tensor[None] for weight, tensor in alone.items()}
        close(model.outputs(single, x[part])[0], together[replica], 1e-12)

        def loss(outputs: Tensor, _: slice, rows: slice, part: slice = part) -> tuple[Tensor, Tensor]:
            return squared(outputs, part, rows)

        own_losses, own = model.program(x[part]).gradients(single, loss)
        close(own_losses[0], losses[replica], 1e-12)
        scale = max(float(gradient.abs().max()) for gradient in own.values())
        for weight, gradient in own.items():
            close(gradient[0], gradients[weight][replica], 1e-12, scale)


@always
def test_a_program_is_the_network_and_its_gradient(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    packed, x = pack(model), inputs(model)
    program, leaves = model.program(x), {weight: tensor.clone().requires_grad_() for weight, tensor in packed.items()}
    outputs = model.outputs(leaves, x)
    expected_losses, _ = squared(outputs, slice(None), slice(None))
    expected = torch.autograd.grad(expected_losses.sum(), list(leaves.values()))
    close(program.outputs(packed), outputs.detach(), 1e-12)
    losses, gradients = program.gradients(packed, squared)
    close(losses, expected_losses.detach(), 1e-12)
    assert list(gradients) == list(packed)
    scale = max(float(gradient.abs().max()) for gradient in expected)
    for weight, gradient in zip(leaves, expected, strict=True):
        close(gradients[weight], gradient, 1e-9, scale)
    given = {weight: torch.full_like(tensor, torch.nan) for weight, tensor in packed.items()}
    program.gradients(packed, squared, given)
    for weight, tensor in given.items():
        assert torch.equal(tensor, gradients[weight]), weight


@plainly
@pytest.mark.parametrize("rows", [7, 25, 2 * N_INPUTS])
def test_work_in_pieces_is_the_same_work(
    name: str, kind: str, options: dict[str, Any], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows of one replica at a time, or few replicas."""
    model = network(name, kind, options)
    packed, x = pack(model), inputs(model)
    whole = model.program(x)
    losses, gradients = whole.gradients(packed, squared)
    monkeypatch.setattr(program_parts, "GROUP", rows * model.sample_size)
    pieces = model.program(x)
    assert isinstance(pieces, program_parts.Groups)
    found, total = pieces.gradients(packed, squared)
    close(pieces.outputs(packed), whole.outputs(packed), 1e-12)
    close(found, losses, 1e-12)
    scale = max(float(gradient.abs().max()) for gradient in gradients.values())
    for weight, gradient in gradients.items():
        close(total[weight], gradient, 1e-12, scale)


@always
def test_the_gradient_is_that_of_finite_differences(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    packed, x = pack(model), inputs(model)
    losses, gradients = model.program(x).gradients(packed, squared)
    # So short that no ReLU changes sides; the loss is then known to a few 1e-16 / step of itself.
    generator, step = torch.Generator().manual_seed(3), 1e-8
    for weight, tensor in packed.items():
        move = torch.randn(tensor.shape, generator=generator).double()
        ahead, behind = (
            squared(model.outputs(packed | {weight: tensor + side * move}, x), slice(None), slice(None))[0].sum()
            for side in (step, -step)
        )
        found, along = (ahead - behind) / (2 * step), (gradients[weight] * move).sum()
        atol = 1e-6 * float(gradients[weight].norm() * move.norm()) + 1e-7 * float(losses.sum())
        torch.testing.assert_close(found, along, atol=atol, rtol=0)


@always
def test_float32_agrees_with_float64(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    narrow, x = pack(model, torch.float32), inputs(model, torch.float32)
    wide = {weight: tensor.double() for weight, tensor in narrow.items()}
    precise = model.outputs(wide, x)  # features of a task are float32, whatever the weights are
    assert precise.dtype == torch.float64
    assert model.outputs(narrow, x).dtype == torch.float32
    close(model.outputs(narrow, x).double(), precise, 1e-4)
    _, gradients = model.program(x).gradients(narrow, squared)
    _, expected = model.program(x if model.interface.n_symbols else x.double()).gradients(wide, squared)
    scale = max(float(gradient.abs().max()) for gradient in expected.values())
    for weight, gradient in gradients.items():
        assert gradient.dtype == torch.float32
        close(gradient.double(), expected[weight], 1e-4, scale)


@plainly
def test_what_is_given_is_left_alone(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    packed, x = pack(model), inputs(model)
    before, x_before = {weight: tensor.clone() for weight, tensor in packed.items()}, x.clone()
    program = model.program(x)
    first = program.outputs(packed)
    program.gradients(packed, squared)
    for value in Activations(model.sites, {weight: tensor[0] for weight, tensor in packed.items()}, x[0]).values():
        assert value.isfinite().all()
    assert torch.equal(x, x_before)
    assert all(torch.equal(tensor, before[weight]) for weight, tensor in packed.items())
    assert torch.equal(program.outputs(packed), first)


@always
def test_every_site_can_be_read(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    params, x = weights(model, 0), inputs(model)[0]
    sites = Activations(model.sites, params, x)
    assert set(model.bottleneck_widths) <= set(sites)
    for site in sites:
        assert len(sites[site]) == (model.interface.n_symbols if site.startswith("embed") else N_INPUTS), site
        assert sites[site].ndim >= 2
    for site, width in model.bottleneck_widths.items():
        assert sites[site].shape[1:] == (width,)
    outputs = model.outputs({weight: tensor[None] for weight, tensor in params.items()}, x[None])[0]
    close(sites["logits"], outputs[:, : model.interface.n_outputs], 1e-12)


@with_each_neck
def test_a_bottleneck_has_its_rank(name: str, kind: str, options: dict[str, Any]) -> None:
    def rank(model: Model) -> int:
        cloud = Activations(model.sites, weights(model, 0), inputs(model)[0])[options["bottleneck"]]
        return int(torch.linalg.matrix_rank(cloud, rtol=1e-9))

    assert rank(network(name, kind, {})) > RANK
    assert 1 <= rank(network(name, kind, options)) <= RANK


@with_each_neck
def test_a_bottleneck_wider_than_its_site_is_refused(name: str, kind: str, options: dict[str, Any]) -> None:
    site, width = options["bottleneck"], network(name, kind, {}).bottleneck_widths[options["bottleneck"]]
    assert made(name, kind, bottleneck=site, bottleneck_rank=width) is not None
    assert made(name, kind, bottleneck=site, bottleneck_rank=width + 1) is None


@always
def test_the_options_read_off_weights_are_those_they_were_made_with(
    name: str, kind: str, options: dict[str, Any]
) -> None:
    model = network(name, kind, options)
    found = model.infer(model.init(torch.Generator().manual_seed(0)))
    told = {option: value for option, value in options.items() if option not in found}
    again = type(model)(model.options(**(found | told)), model.interface)
    assert again.shapes == model.shapes  # whose sizes are not the defaults
    assert again.infer(again.init(torch.Generator().manual_seed(0))) == found


@plainly
def test_gradients_of_single_samples_by_function_transforms(name: str, kind: str, options: dict[str, Any]) -> None:
    model = network(name, kind, options)
    params, x = {weight: tensor[None] for weight, tensor in weights(model, 0).items()}, inputs(model)[0]

    def outputs(params: dict[str, Tensor], sample: Tensor) -> Tensor:
        return model.outputs(params, sample[None, None])[0, 0]

    jacobians = torch.func.vmap(torch.func.jacrev(outputs), in_dims=(None, 0))(params, x)
    leaves = {weight: tensor.clone().requires_grad_() for weight, tensor in params.items()}
    one = torch.autograd.grad(outputs(leaves, x[11])[-1], list(leaves.values()), allow_unused=True)
    for gradient, (weight, jacobian) in zip(one, jacobians.items(), strict=True):
        expected = torch.zeros_like(params[weight]) if gradient is None else gradient
        close(jacobian[11, -1], expected, 1e-12, 1 + float(expected.abs().max()))


def test_cases_are_told_apart() -> None:
    """Found by trying, so that what silently refuses everything would silently be left out."""
    found = functools.reduce(set.union, ({name} for name, _, _ in PLAIN), set())
    assert found == set(TRAINED)
    assert {kind for _, kind, _ in PLAIN} == set(INTERFACES)


@pytest.mark.parametrize("name", [name for name in TRAINED if made(name, "pairs")])
def test_it_sees_the_order_of_symbols_where_it_says_so(name: str) -> None:
    """With every two choices at once."""
    single = [{}, {"n_layers": 1}] if name == "decoder" else [{}]
    each = [*single, *choices(name)]
    for options in (one | other for one, other in itertools.combinations(each, 2)):
        if (model := made(name, "pairs", **options)) is None:
            continue
        given = inputs(model)
        params, differs = pack(model), (given[..., 0] != given[..., 1])
        apart = (model.outputs(params, given) - model.outputs(params, given.flip(-1))).abs().amax(-1)[differs]
        assert bool((apart > 1e-9).any()) == model.sees_order, options
