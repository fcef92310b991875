"""A pack is its replicas, each as if it were alone; and AdamW is AdamW."""

import itertools
import math
import time
from typing import Any

import pytest
import torch

from grokscope.losses import cross_entropy
from grokscope.models.parts import program as program_parts
from grokscope.recipes.base import recipe
from grokscope.registry import component, may_differ, names
from grokscope.runs.config import RunConfig
from grokscope.runs.fields import COMPONENTS, TRANSFORMS
from grokscope.training.pack import Pack
from tests.conftest import tiny

CPU = torch.device("cpu")
POLYNOMIAL_TASK = {"task": "polynomial_regression", "dimension": 6, "n_samples": 40, "model": "mlp", "d_mlp": 8}
POLYNOMIAL = POLYNOMIAL_TASK | {"loss": "mse"}


def advanced(configs: list, steps: int) -> Pack:
    pack = Pack(configs, device=CPU)
    for _ in range(steps):
        pack.advance()
    return pack


def test_a_pack_equals_single_runs_in_float64() -> None:
    configs = [
        tiny(dtype="float64", seed=0),
        tiny(dtype="float64", seed=1, learning_rate=3e-3, weight_decay=0.1),
        tiny(dtype="float64", seed=2, betas=(0.8, 0.99), eps=1e-6),
        tiny(dtype="float64", seed=3, random_labels=True, weight_decay=0.0),
        tiny(dtype="float64", seed=4, train_fraction=0.3, label_noise=0.2, init_scale=2.0, output_scale=0.5),
        tiny(dtype="float64", seed=5, n_train=17, warmup_steps=0, weight_decay_start=5, weight_decay_stop=30),
    ]
    pack = advanced(configs, 50)
    for replica, config in enumerate(configs):
        single = advanced([config], 50)
        for name, tensor in single.tensors.items():
            torch.testing.assert_close(pack.tensors[name][replica], tensor[0], atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    "fields", [{}, {"model": "mlp"} | {"d_mlp": 12}, {"centred": True, "output_scale": 2.0}], ids=str
)
def test_replicas_in_small_groups_are_the_same_pack(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [tiny(dtype="float64", seed=seed, train_fraction=0.3 + seed / 10, **fields) for seed in range(5)]
    together = advanced(configs, 15)
    sample = together.model.sample_size * together._data.inputs.shape[1]
    monkeypatch.setattr(program_parts, "GROUP", 2 * sample)
    apart = advanced(configs, 15)
    assert [group for group, _ in apart._program.programs] == [slice(0, 2), slice(2, 4), slice(4, 6)]  # pyright: ignore
    for name, tensor in together.tensors.items():
        torch.testing.assert_close(apart.tensors[name], tensor, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(apart.outputs(), together.outputs(), atol=1e-12, rtol=1e-12)


def test_a_pack_equals_torchs_adamw_in_float64() -> None:
    config = tiny(dtype="float64", weight_decay=0.7, learning_rate=2e-3, warmup_steps=10)
    pack = Pack([config], device=CPU)
    params = {name: tensor[0].clone().requires_grad_() for name, tensor in pack.tensors.items()}
    optimizer = torch.optim.AdamW(params.values(), lr=2e-3, weight_decay=0.7, betas=(0.9, 0.98), eps=1e-8)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / 10, 1))
    task, train = pack.tasks[0], pack.train_masks[0]
    model = config.build_model(task)
    for _ in range(30):
        optimizer.zero_grad()
        packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
        cross_entropy(model.outputs(packed, task.inputs[train].unsqueeze(0))[0], task.labels[train]).backward()
        optimizer.step()
        warmup.step()
        pack.advance()
    for name, tensor in params.items():
        torch.testing.assert_close(pack.tensors[name][0], tensor.detach(), atol=1e-10, rtol=0)


def test_the_first_step_has_rate_zero_as_published() -> None:
    pack = Pack([tiny()], device=CPU)
    before = pack.state()["params"]
    pack.advance()
    assert torch.equal(pack.state()["params"], before)
    pack.advance()
    assert not torch.equal(pack.state()["params"], before)


# A change of each field that may differ, with what else the pack then needs.
CHANGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "seed": (9, {}),
    "data_seed": (1, POLYNOMIAL),
    "random_labels": (True, {}),
    "label_noise": (0.3, {}),
    "outliers": (3, {}),
    "train_fraction": (0.4, {}),  # of 0.5: the larger training sets decide the shapes
    "n_train": (20, {}),
    "split": ("nested", {"train_fraction": 0.5}),
    "init_scale": (1.5, {}),
    "init_noise": (0.1, {}),
    "output_scale": (0.5, {}),
    "bottleneck_rank": (3, {"bottleneck": "resid_mid", "bottleneck_rank": 5}),
    "learning_rate": (0.01, {}),
    "warmup_steps": (3, {}),
    "weight_decay": (0.0, {}),
    "weight_decay_start": (10, {}),
    "weight_decay_stop": (5, {}),
    "betas": ((0.5, 0.9), {}),
    "eps": (1e-3, {}),
    "momentum": (0.5, {"optimizer": "sgd", "learning_rate": 0.1}),
    "grokfast_gain": (2.0, {"grokfast_gain": 1.0}),
    "grokfast_memory": (0.5, {"grokfast_gain": 1.0}),
    "grokfast_average_gain": (2.0, {"grokfast_average_gain": 1.0, "grokfast_window": 4}),
    "gated_penalty": (0.1, {"gated_penalty": 0.01, "gated_penalty_from": 0.1}),
    "gated_penalty_from": (0.0, {"gated_penalty": 0.01}),
    "norm_clamp": (2.0, {"norm_clamp": 5.0}),
    "norm_clamp_start": (6, {"norm_clamp": 5.0}),
    "muon_factor": (5.0, {"optimizer": "muon"}),
    "muon_momentum": (0.5, {"optimizer": "muon"}),
}


def test_every_field_that_may_differ_has_its_test() -> None:
    of_files = {"start", "start_hash"}  # tests/training/test_initial.py
    families = (*COMPONENTS.values(), TRANSFORMS)
    options = [component(family, name).options for family in families for name in names(family)]
    assert set(CHANGES) | of_files == set().union(*map(may_differ, (RunConfig, *options)))


@pytest.mark.parametrize("field", sorted(CHANGES))
def test_what_differs_acts_on_its_replica_alone(field: str) -> None:
    value, shared = CHANGES[field]
    base = [tiny(**({"seed": seed} | shared)) for seed in (0, 1, 2)]
    changed = [base[0], base[1].replace(**{field: value}), base[2]]
    one, other = advanced(base, 20), advanced(changed, 20)
    for name in one.tensors:
        for replica in (0, 2):
            assert torch.equal(one.tensors[name][replica], other.tensors[name][replica]), name
    assert any(not torch.equal(one.tensors[name][1], other.tensors[name][1]) for name in one.tensors)


@pytest.mark.parametrize(
    "fields",
    [
        {"centred": True, "output_scale": 3.0, "divide_rate_by_scale": True},
        {"loss": "mse"},
        {"loss": "stablemax_cross_entropy", "softmax_dtype": "float32"},
        {"optimizer": "sgd", "momentum": 0.8, "learning_rate": 0.05},
        {"optimizer": "adam", "weight_decay": 0.01},
        {"orthogonal_gradient": "per_tensor"},
        {"orthogonal_gradient": "global", "orthogonal_rescale": False},
        {"norm_sphere": ("all",)},
        {"norm_sphere": ("W_E", "W_in")},
        {"norm_sphere": ("all",), "norm_sphere_step": "angle", "init_scale": 2.0},
        {"gated_penalty": 0.01, "gated_penalty_from": 0.2, "learning_rate": 0.02},
        {"gated_penalty": 0.01, "gated_penalty_from": 0.2, "learning_rate": 0.02, "batch_size": 13},
        {"norm_clamp": 5.0, "norm_clamp_start": 12},
        {"grokfast_gain": 2.0},
        {"unit_gradient": True, "optimizer": "sgd", "momentum": 0.2},
        {"linearised": True},
        {"linearised": True, "centred": True, "loss": "mse", "batch_size": 13},
        {"batch_size": 13},
        {"tensor_rates": {"W_E": 0.5}, "tensor_decays": {"W_U": 0.0, "b_in": 2.0}},
        {"weight_decay_start": 8, "weight_decay_stop": 21},
    ],
    ids=str,
)
def test_every_way_to_train_packs_and_resumes(fields: dict[str, Any]) -> None:
    configs = [tiny(dtype="float64", seed=seed, **fields) for seed in (0, 1)]
    pack = advanced(configs, 25)
    for replica, config in enumerate(configs):
        single = advanced([config], 25)
        for name, tensor in single.tensors.items():
            torch.testing.assert_close(pack.tensors[name][replica], tensor[0], atol=1e-10, rtol=1e-10)
    halfway = advanced(configs, 12)
    resumed = Pack(configs, device=CPU)
    resumed.restore(12, halfway.state())
    for _ in range(13):
        resumed.advance()
    for name, tensor in pack.tensors.items():
        assert torch.equal(resumed.tensors[name], tensor), name


def needs_files(task: str) -> bool:
    """Whether the task has an option without a default: a folder of the user's."""
    return any(option.is_required() for option in component("tasks", task).options.model_fields.values())


@pytest.mark.parametrize("task", [task for task in names("tasks") if not needs_files(task)])
def test_every_task_packs_and_resumes(task: str) -> None:
    fields = {"task": task, "model": "mlp", "d_mlp": 4, "loss": "mse", "n_train": 20, "dtype": "float64"}
    configs = [tiny(seed=seed, **fields) for seed in (0, 1)]
    pack, halfway, resumed = advanced(configs, 6), advanced(configs, 3), Pack(configs, device=CPU)
    resumed.restore(3, halfway.state())
    for _ in range(3):
        resumed.advance()
    for replica, config in enumerate(configs):
        single = advanced([config], 6)
        for name, tensor in single.tensors.items():
            torch.testing.assert_close(pack.tensors[name][replica], tensor[0], atol=1e-11, rtol=1e-11)
    for name, tensor in pack.tensors.items():
        assert torch.equal(resumed.tensors[name], tensor), name
        assert not torch.equal(halfway.tensors[name], tensor), name


def literal_loss(config: RunConfig, pack: Pack, params: dict[str, torch.Tensor], first: torch.Tensor) -> torch.Tensor:
    """The mean loss on the training set, written out."""
    packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
    task, train = pack.tasks[0], pack.train_masks[0]
    raw = pack.model.outputs(packed, task.inputs[train].unsqueeze(0))[0]
    scaled = config.output_scale * (raw - first if config.centred else raw)
    return torch.nn.functional.cross_entropy(scaled, task.labels[train])


@pytest.mark.parametrize("centred", [False, True])
def test_scale_and_centring_are_what_they_say(centred: bool) -> None:
    fields = {"output_scale": 3.0, "divide_rate_by_scale": True, "centred": centred, "init_scale": 1.5}
    config = tiny(dtype="float64", optimizer="sgd", learning_rate=0.9, weight_decay=0.0, warmup_steps=0, **fields)
    pack = Pack([config], device=CPU)
    params = {name: tensor[0].clone().requires_grad_() for name, tensor in pack.tensors.items()}
    train = pack.train_masks[0]
    packed = {name: tensor.detach().unsqueeze(0) for name, tensor in params.items()}
    first = pack.model.outputs(packed, pack.tasks[0].inputs[train].unsqueeze(0))[0]
    before = pack.outputs()
    assert bool(before.any()) is not centred
    for _ in range(5):
        gradients = torch.autograd.grad(literal_loss(config, pack, params, first), list(params.values()))
        for tensor, gradient in zip(params.values(), gradients, strict=True):
            tensor.data -= 0.9 / 3.0**2 * gradient
        pack.advance()
    for name, tensor in params.items():
        torch.testing.assert_close(pack.tensors[name][0], tensor.detach(), atol=1e-10, rtol=1e-10)


def test_weight_decay_keeps_its_hours() -> None:
    common = {"dtype": "float64", "learning_rate": 0.01, "weight_decay": 0.5}
    never, late = tiny(**(common | {"weight_decay": 0.0})), tiny(**common, weight_decay_start=10, weight_decay_stop=12)
    off, on = Pack([never], device=CPU), Pack([late], device=CPU)
    for step in range(14):
        off.advance()
        on.advance()
        same = torch.equal(off.state()["params"], on.state()["params"])
        assert same == (step < 10), step
    decayed, free = Pack([late], device=CPU), Pack([never], device=CPU)
    for pack in (decayed, free):
        pack.restore(12, on.state())
        pack.advance()
    assert torch.equal(decayed.state()["params"], free.state()["params"])


def test_factors_on_tensors() -> None:
    still = tiny(dtype="float64", tensor_rates={"W_E": 0.0})
    pack, free = advanced([still], 15), advanced([tiny(dtype="float64")], 15)
    assert torch.equal(pack.tensors["W_E"], Pack([still], device=CPU).tensors["W_E"])
    assert not torch.equal(pack.tensors["W_in"], free.tensors["W_in"])
    with pytest.raises(ValueError, match=r"tensor_decays: unknown tensor 'W_Q1'. Did you mean 'W_Q'"):
        Pack([tiny(tensor_decays={"W_Q1": 1.0})], device=CPU)


def test_the_sphere_keeps_the_norm_of_what_counts() -> None:
    config = tiny(dtype="float64", norm_sphere=("W_E", "W_U"), init_scale=2.0, learning_rate=0.01)
    pack, start = advanced([config], 15), Pack([config], device=CPU)

    def norm(of: Pack) -> float:
        return math.sqrt(sum(float(of.tensors[name].square().sum()) for name in ("W_E", "W_U")))

    assert norm(pack) == pytest.approx(norm(start), rel=1e-12)
    assert not torch.equal(pack.tensors["W_E"], start.tensors["W_E"])
    with pytest.raises(ValueError, match="norm_sphere: unknown tensor 'W_e'"):
        Pack([tiny(norm_sphere=("W_e",))], device=CPU)


def angles(steps: int, **fields: Any) -> torch.Tensor:
    """The angle of each step, (step, alpha), of a student without a kink on spheres of 0.1 to 10 times its norm."""
    small = {"norm_sphere": ("all",), "weight_decay": 0.0, "dtype": "float64", "d_mlp": 50, "optimizer": "adam"}
    base = recipe("omnigrok2023", **(small | fields))
    pack, found = Pack([base.replace(init_scale=alpha) for alpha in (0.1, 0.5, 1.0, 2.0, 10.0)], device=CPU), []
    for _ in range(steps):
        before = pack.state()["params"]
        pack.advance()
        after = pack.state()["params"]
        found.append(((before * after).sum(1) / before.norm(dim=1) / after.norm(dim=1)).clamp(max=1).acos())
    return torch.stack(found)


def test_equal_angles_are_equal_at_every_norm_with_adam() -> None:
    """The first steps move each weight by the rate; later ones by less where the gradient changes from step to step."""
    equal, plain = angles(10, norm_sphere_step="angle"), angles(10)
    torch.testing.assert_close(equal[0], equal[0][2].expand(5), rtol=0.01, atol=0)
    torch.testing.assert_close(equal[:5], equal[:5, 2:3].expand(5, 5), rtol=0.15, atol=0)
    torch.testing.assert_close(plain[0] * torch.tensor([0.1, 0.5, 1, 2, 10]), equal[0], rtol=0.02, atol=0)
    assert torch.equal(plain[:, 2], equal[:, 2])  # at init_scale 1 they are one setting


def test_equal_angles_are_not_for_sgd_or_without_a_sphere() -> None:
    by_gradient = angles(1, norm_sphere_step="angle", optimizer="sgd")[0]
    assert by_gradient.max() > 3 * by_gradient.min()
    free = {"init_scale": 3.0, "dtype": "float64", "norm_sphere_step": "angle"}
    one, other = advanced([tiny(**free)], 5), advanced([tiny(**(free | {"norm_sphere_step": "rate"}))], 5)
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"loss": "cross_entropy"} | POLYNOMIAL_TASK, "class labels"),
        ({"n_train": 122}, "n_train must lie in 1..121"),
        ({"train_fraction": 0.001}, "leaves no training input of 121"),
    ],
)
def test_what_cannot_be_trained_is_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pack([tiny(**fields)], device=CPU)


def test_a_loss_that_is_not_finite_ends_its_replica_and_no_other() -> None:
    wild = tiny(seed=1, learning_rate=1e30)
    pack, alone = Pack([tiny(seed=0), wild], device=CPU), Pack([tiny(seed=0), tiny(seed=1)], device=CPU)
    ended = [step for step in range(40) if pack.advance().tolist() == [False, True]]
    for _ in range(40):
        alone.advance()
    assert len(ended) == 1
    assert pack.alive.tolist() == [True, False]
    for name, tensor in pack.tensors.items():
        assert torch.equal(tensor[0], alone.tensors[name][0])
    frozen = {name: tensor[1].clone() for name, tensor in pack.tensors.items()}
    pack.advance()
    for name, tensor in pack.tensors.items():
        assert torch.equal(tensor[1].nan_to_num(), frozen[name].nan_to_num())


def test_state_puts_back_every_bit() -> None:
    pack = advanced([tiny(seed=0), tiny(seed=1, learning_rate=1e30)], 30)
    other = Pack(pack.configs, device=CPU)
    other.restore(pack.step, pack.state())
    for _ in range(10):
        pack.advance()
        other.advance()
    for (name, one), (_, two) in zip(pack.state().items(), other.state().items(), strict=True):
        assert torch.equal(one.nan_to_num(), two.nan_to_num()), name
    assert math.isfinite(float(pack.tensors["W_E"][0].sum()))


def test_gradients_agree_with_finite_differences() -> None:
    config = tiny(dtype="float64", p=5, d_model=4, n_heads=2, d_mlp=6)
    pack = Pack([config], device=CPU)
    names = list(pack.tensors)
    operands, labels = pack.tasks[0].inputs.unsqueeze(0), pack.tasks[0].labels.unsqueeze(0)

    def loss(*tensors: torch.Tensor) -> torch.Tensor:
        return cross_entropy(pack.model.outputs(dict(zip(names, tensors, strict=True)), operands), labels)

    # Away from the initial zero biases, where ReLU's kink could lie on a sample.
    generator = torch.Generator().manual_seed(4)
    tensors = [
        torch.randn(pack.tensors[n].shape, generator=generator, dtype=torch.float64).requires_grad_() for n in names
    ]
    assert torch.autograd.gradcheck(loss, tensors, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"p": 13}, "p"),
        ({"d_model": 32}, "d_model"),
        ({"max_steps": 99}, "max_steps"),
        ({"batch_size": 7}, "batch_size"),
    ],
)
def test_what_cannot_share_a_pack_is_named(change: dict, field: str) -> None:
    with pytest.raises(ValueError, match=f"the replicas of a pack differ in {field}"):
        Pack([tiny(), tiny(**change)], device=CPU)


def test_an_empty_pack_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one config"):
        Pack([], device=CPU)


def test_tensors_start_on_cache_lines() -> None:
    pack = Pack([tiny(seed=seed) for seed in range(3)], device=CPU)
    for tensor, replica in itertools.product(pack.tensors.values(), range(3)):
        assert tensor[replica].data_ptr() % 64 == 0


# One of each program: halves of samples, of replicas, of the rows of any network; and what is too small for halves.
@pytest.mark.parametrize(
    ("name", "n_replicas"),
    [("quickstart", 1), ("quickstart", 3), ("gromov2023", 1), ("power2022", 1), ("kumar2024", 2)],
)
def test_the_number_of_threads_changes_no_bit(name: str, n_replicas: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, states, empty = torch.get_num_threads(), [], torch.empty

    def slowly(*args: Any, **more: Any) -> torch.Tensor:
        time.sleep(0.005)  # so that another thread asks for the same array, if two may
        return empty(*args, **more)

    try:
        for n_threads in (1, 2, 3):
            torch.set_num_threads(n_threads)
            pack = Pack([recipe(name).replace(seed=seed) for seed in range(n_replicas)], device=CPU)
            with monkeypatch.context() as patch:
                patch.setattr(torch, "empty", slowly)
                pack.advance()
            for _ in range(2):
                pack.advance()
            assert torch.get_num_threads() == n_threads
            states.append(pack.state() | {"outputs": pack.outputs()})
    finally:
        torch.set_num_threads(before)
    for state in states[1:]:
        for key, tensor in state.items():
            assert torch.equal(tensor, states[0][key]), key
