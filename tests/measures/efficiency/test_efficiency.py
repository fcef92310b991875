"""Norm per logit and the split of circuits on networks whose answers are known in closed form."""

import dataclasses
import math
from typing import Any

import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.mlp import MlpOptions, mlp
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.gromov import solution
from grokscope.runs.config import RunConfig
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 23
TASK = build(ModularAddition(p=P))
TRAIN = TASK.split(0.3, 0)
SHARE = float(TRAIN.double().mean())
MODEL = transformer(
    TransformerOptions(d_model=16, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)
Options = dict[str, Any]


def weights(seed: int = 0) -> dict[str, torch.Tensor]:
    return {name: tensor.double() for name, tensor in MODEL.init(torch.Generator().manual_seed(seed)).items()}


def with_logits(logits: torch.Tensor, **of: Any) -> Snapshot:
    """A snapshot that answers with these logits, whatever its weights."""
    given: Options = {"task": TASK, "model": MODEL, "params": weights(), "train_mask": TRAIN}
    return Snapshot(outputs=logits, **(given | of))


def clock(frequencies: list[int], scale: float = 1.0) -> torch.Tensor:
    """scale * sum_k cos(2 pi k (a + b - c) / p): generalisation alone, scale * the number of k on the right answer."""
    shift = (TASK.labels[:, None] - torch.arange(P)).double()
    return scale * torch.stack([(2 * math.pi * k * shift / P).cos() for k in frequencies]).sum(0)


def by_heart(size: float, mask: torch.Tensor = TRAIN) -> torch.Tensor:
    """Logit `size` (less its mean over classes) on the label of each input under the mask: memory alone."""
    hot = torch.nn.functional.one_hot(TASK.labels, P).double() * mask[:, None]
    return size * P / (P - 1) * (hot - hot.mean(1, keepdim=True))


def split(snap: Snapshot, **options: Any) -> tuple[float, float]:
    found = evaluate("efficiency.circuit_split", snap, **options)
    assert isinstance(found, dict), found
    assert list(found) == ["generalising", "memorising"]
    return found["generalising"], found["memorising"]


@pytest.mark.parametrize("fit", ["all", "test", "fresh"])
def test_a_fourier_network_has_one_circuit_only(fit: str) -> None:
    snap = with_logits(clock([2, 5, 11], 5.0))
    assert split(snap, fit=fit) == pytest.approx((15, 0), abs=1e-9)
    assert split(snap, fit=fit, of="share") == pytest.approx((1, 0), abs=1e-9)
    shifted = with_logits(clock([2, 5, 11], 5.0) + torch.randn(P * P, 1, dtype=torch.float64))
    assert split(shifted, fit=fit) == pytest.approx((15, 0), abs=1e-9)


def test_a_memory_is_over_counted_by_the_published_fit_and_not_by_the_fit_on_other_inputs() -> None:
    snap = with_logits(by_heart(10.0))
    assert split(snap) == pytest.approx((SHARE * 10, (1 - SHARE) * 10), rel=1e-9)
    assert split(snap, split="test") == pytest.approx((SHARE * 10, -SHARE * 10), rel=1e-9)
    assert split(snap, fit="test") == pytest.approx((0, 10), abs=1e-9)
    assert split(snap, of="share")[0] == pytest.approx(SHARE, rel=1e-9)


def test_the_two_add_up() -> None:
    both = with_logits(clock([3, 7], 4.0) + by_heart(6.0))
    assert split(both, fit="test") == pytest.approx((8, 6), rel=1e-9)
    assert split(both) == pytest.approx((8 + SHARE * 6, (1 - SHARE) * 6), rel=1e-9)
    assert split(both, split="test") == pytest.approx((8 + SHARE * 6, -SHARE * 6), rel=1e-9)
    share = evaluate("manifold.harmonic_share", both)
    assert split(both, of="share") == pytest.approx((share, 1 - share), rel=1e-12)  # pyright: ignore


def test_random_logits_have_the_share_of_the_dimension() -> None:
    """Functions of c - a - b are p - 1 of the p^2 (p - 1) dimensions of centred logits."""
    shares = []
    for seed in range(40):
        noise = torch.randn(P * P, P, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        shares.append(split(with_logits(noise), of="share")[0])
    found = torch.tensor(shares)
    assert abs(float(found.mean()) - 1 / P**2) < 4 * float(found.std()) / math.sqrt(40)


def test_a_wrong_label_is_credited_to_memory() -> None:
    """A network that generalises and was taught wrong labels by heart: the symmetry is that of the right answers."""
    noisy = TASK.with_noise(TRAIN, 0.2, 0, 1)
    wrong = noisy.labels != TASK.labels
    hot = torch.nn.functional.one_hot(noisy.labels, P).double() * wrong[:, None]
    logits = clock([3, 7], 4.0) + 30 * (hot - hot.mean(1, keepdim=True))
    generalising, memorising = split(with_logits(logits, task=noisy), fit="test")
    right = clock([3, 7], 4.0).gather(1, noisy.labels[:, None])[TRAIN].mean()
    assert generalising == pytest.approx(float(right), rel=1e-9)
    assert memorising == pytest.approx(30 * (1 - 1 / P) * float(wrong[TRAIN].double().mean()), rel=1e-9)


def test_the_split_of_another_group() -> None:
    config = RunConfig(task="group_operation", group="symmetric(3)", train_fraction=0.5, d_model=16, d_mlp=8)
    task = config.build_task()
    of = {"task": task, "model": config.build_model(task), "train_mask": config.train_mask(task)}
    drawn = of["model"].init(torch.Generator().manual_seed(0))
    logits = 7 * torch.nn.functional.one_hot(task.labels, 6).double()
    assert split(with_logits(logits, params=drawn, **of)) == pytest.approx((7 * 5 / 6, 0), abs=1e-9)


@pytest.mark.parametrize(
    ("snap", "options", "reason"),
    [
        (with_logits(clock([1]), task=TASK.with_random_labels(0)), {}, "the task has no group"),
        (with_logits(clock([1]), train_mask=torch.ones_like(TRAIN)), {"fit": "test"}, "the task has no test inputs"),
        (with_logits(torch.zeros(P * P, P)), {"of": "share"}, "all logits of an input are equal"),
    ],
)
def test_a_split_without_an_answer_says_so(snap: Snapshot, options: Options, reason: str) -> None:
    found = evaluate("efficiency.circuit_split", snap, **options)
    assert isinstance(found, Missing)
    assert reason in found.reason


def homogeneous(n_hidden: int, seed: int = 0) -> Snapshot:
    """A ReLU network without biases, of degree n_hidden + 1, read where its answers happen to be largest."""
    model = mlp(
        MlpOptions(n_hidden=n_hidden, d_mlp=20, mlp_biases=False),
        Interface(n_symbols=P, n_operands=2, n_outputs=P),
    )
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(seed)).items()}
    raw = Snapshot(task=TASK, model=model, params=params, train_mask=TRAIN)
    task = dataclasses.replace(TASK, labels=raw.logits.argmax(1))
    return Snapshot(task=task, model=model, params=params, train_mask=TRAIN)


def norm_at(snap: Snapshot, **options: Any) -> float:
    found = evaluate("efficiency.norm_per_logit", snap, **options)
    assert isinstance(found, float), found
    return found


def literal(snap: Snapshot, logit: str) -> tuple[float, float]:
    """Norm of the weights, and the mean logit, input by input."""
    size = math.sqrt(sum(float(tensor.square().sum()) for tensor in snap.params.values()))
    total = 0.0
    for z, label, trained in zip(snap.logits, snap.task.labels.tolist(), snap.train_mask.tolist(), strict=True):
        others = torch.cat([z[:label], z[label + 1 :]])
        total += trained * float(z[label] - (z.mean() if logit == "centred" else others.max()))
    return size, total / int(snap.train_mask.sum())


@pytest.mark.parametrize("logit", ["centred", "margin"])
@pytest.mark.parametrize("n_hidden", [1, 2])
def test_the_norm_of_a_homogeneous_network_follows_its_degree(n_hidden: int, logit: str) -> None:
    snap = homogeneous(n_hidden)
    size, z = literal(snap, logit)
    assert norm_at(snap, logit=logit) == pytest.approx(size / z, rel=1e-9)
    degree = n_hidden + 1
    for at in (0.5 * z, z, 3 * z):
        expected = size * (at / z) ** (1 / degree)
        assert norm_at(snap, logit=logit, of="degree", at=at, kappa=degree) == pytest.approx(expected, rel=1e-9)
        assert norm_at(snap, logit=logit, of="rescaled", at=at) == pytest.approx(expected, rel=1e-9)
        # The degree as measured: by a difference, whose error is its square.
        assert norm_at(snap, logit=logit, of="degree", at=at) == pytest.approx(expected, rel=1e-6)


def test_the_closed_form_network_generalises_alone_and_has_the_norm_of_its_cosines() -> None:
    """Gromov's weights: degree 3, and every weight a cosine of a random phase: about half of them squared."""
    n = 600
    snap = snapshot(solution(P, n), model="quadratic_mlp", p=P)
    assert split(snap, of="share")[0] > 0.8  # the rest are the terms of random phase, of order sqrt(n)
    z = n / 2 / (2 * P * n)  # on the right answer, over D N; 0 on average over classes
    assert split(snap)[0] == pytest.approx(z, rel=0.05)
    assert norm_at(snap) == pytest.approx(math.sqrt(3 * P * n / 2) / z, rel=0.05)
    assert norm_at(snap, of="rescaled", at=z / 8) == pytest.approx(math.sqrt(3 * P * n / 2) / 2, rel=0.05)
    # Divided by their number, four times the neurons give the same logit: at twice the norm.
    wide = snapshot(solution(P, 4 * n), model="quadratic_mlp", p=P)
    assert norm_at(wide, of="rescaled") / norm_at(snap, of="rescaled") == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("of", ["degree", "rescaled"])
def test_multiplying_all_weights_changes_no_norm_at_a_fixed_logit(of: str) -> None:
    snap = homogeneous(2)
    larger = snap.with_params({name: 3 * tensor for name, tensor in snap.params.items()})
    assert norm_at(larger, of=of) == pytest.approx(norm_at(snap, of=of), rel=1e-6 if of == "degree" else 1e-9)
    assert norm_at(larger) == pytest.approx(norm_at(snap) / 9, rel=1e-9)


def test_rescaling_is_done_by_the_network_itself_where_it_is_not_homogeneous() -> None:
    snap = Snapshot(task=TASK, model=MODEL, params=weights(), train_mask=torch.arange(P * P) == 40)
    _, z = literal(snap, "centred")
    assert z > 0
    size = norm_at(snap, of="rescaled", at=2 * z)
    c = size / norm_at(snap, of="rescaled", at=z)
    scaled = snap.with_params({name: c * tensor for name, tensor in snap.params.items()})
    again, reached = literal(scaled, "centred")
    assert (again, reached) == pytest.approx((size, 2 * z), rel=1e-9)


def test_a_network_that_is_wrong_has_no_norm_per_logit() -> None:
    wrong = with_logits(-clock([2]))
    for of in ("quotient", "degree", "rescaled"):
        found = evaluate("efficiency.norm_per_logit", wrong, of=of)
        assert isinstance(found, Missing)
        assert "is -1 at step 0, not above 0" in found.reason
    far = evaluate("efficiency.norm_per_logit", homogeneous(1), of="rescaled", at=1e9)
    assert isinstance(far, Missing)
    assert "no factor from e^-3 to e^3" in far.reason
    assert isinstance(evaluate("efficiency.norm_per_logit", homogeneous(1), of="degree", at=1e9), Missing)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("norm_per_logit", {"of": "rescale"}, "unknown kind of norm 'rescale'. Did you mean 'rescaled'"),
        ("norm_per_logit", {"logit": "margn"}, "unknown kind of logit 'margn'. Did you mean 'margin'"),
        ("norm_per_logit", {"at": 0}, "at and kappa must be positive, got 0 and None"),
        ("norm_per_logit", {"kappa": -1.0}, "at and kappa must be positive, got 10.0 and -1.0"),
        ("norm_per_logit", {"split": "tset"}, "unknown split 'tset'. Did you mean 'test'"),
        ("circuit_split", {"of": "shares"}, "unknown kind of split 'shares'. Did you mean 'share'"),
        ("circuit_split", {"fit": "tset"}, "unknown split 'tset'. Did you mean 'test'"),
    ],
)
def test_bad_options_are_refused(name: str, options: Options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(f"efficiency.{name}", with_logits(clock([2])), **options)
