"""What must not change a measure of circuits: other names for the residues, and constants that no softmax sees.

Each change of weights and split makes the same network under other names, or with a constant on all logits of an input.
The measure must then answer the same, with frequencies renamed. Where it rightly does not, TABLE says why, and a test
checks that the excuse is needed. The order of neurons and heads: tests/measures/test_contract.py.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measures
from grokscope.models.base import Interface
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.models.quadratic_mlp import QuadraticMlpOptions, quadratic_mlp
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.gromov import solution
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.binary_operation import BinaryOperation, build

# Name -> p. "subtracting" is a transformer; "tied" and "untied", embedding_mlp with one table of symbols and with two.
NETWORKS = {"transformer": 13, "subtracting": 11, "tied": 11, "untied": 12, "quadratic": 13}
UNITS = {11: 5, 12: 5, 13: 4}  # circles 1 and 3 change their order, at 13 one its sign; at 11, 1 becomes the last
CHANGES = ("unit", "minus", "shift", "quarter", "swap", "constant")
KEYS, NEURONS = [1, 3], 24
KEYED, LOW, ALL_TRIPLES = {"frequencies": KEYS}, {"threshold": 0.3}, {"n_samples": 13**3}


class Excuse(NamedTuple):
    """Why a change may move a measure, and of which networks."""

    change: str
    reason: str
    networks: tuple[str, ...] = tuple(NETWORKS)


def case(*excuses: Excuse, **options: Any) -> tuple[tuple[Excuse, ...], dict[str, Any]]:
    return excuses, options


RAW = Excuse("constant", "it reads logits, or their map, not centred over the classes")
PHASE = Excuse("shift", "cosine and sine count apart; a translation mixes them (a quarter turn exchanges them)")
SIGN = Excuse("unit", "k and -k are one frequency of opposite phases: of some neurons only, the sign is turned")
WAY = Excuse("unit", "j can be walked round both ways: the unit turns only one of k and j")
ANGLE = [Excuse(change, "a translation by h turns k by k h and j by j h") for change in ("shift", "quarter")]
DISTANCE = Excuse("shift", "the distance of the addends x and -y is x + y: moving both moves it", ("subtracting",))
LEFT = Excuse("swap", "of two tables of symbols it reads that of the first operand", ("untied",))
ONE = Excuse("swap", "one table is that of the first operand, none of the second", ("transformer", "subtracting"))
FIRST = Excuse("swap", "it is about attention to the first operand: see the test of the keys")
# The published triples are some of all, which can be asked for; no option takes all a' of an input.
DRAWN = [Excuse(change, "drawn by the place of an input in the list") for change in ("unit", "minus", "shift", "swap")]
CIRCLES = ({}, {"n_circles": 1}, {"plane": "fourier", "n_circles": None})
SITES = {"embed": (ONE,), "embed_right": (ONE,), "unembed": (RAW,), "neurons": (), "neurons_a": (), "neurons_ab": ()}

TABLE: dict[str, list[Any]] = {
    "ablations": [case(**LOW), case(part="neurons", split="test", **KEYED, **LOW)],
    "attention_explained": [case(FIRST), case(quantity="frequency")],
    "circularity": [case(LEFT), case(LEFT, n_components=9)],
    "clock_explained": [case(RAW, **options) for options in CIRCLES],
    "distance_irrelevance": [case(RAW), case(RAW, variant="runner_up")],
    "embedding_spectrum": [case(LEFT)],
    "excluded_loss": [case(), case(split="test", **KEYED), case(kind="each", **KEYED), case(kind="largest")],
    "frequency_intervention": [
        *(case(shift=1), case(shift=3, **KEYED), case(kind="remove", **KEYED)),
        case(WAY, *ANGLE, kind="implant", implanted=5, **KEYED),
    ],
    "gini_embedding": [case(PHASE, LEFT), case(LEFT, paired=True)],
    "gini_neuron_logit": [case(PHASE, RAW), case(paired=True)],
    "gradient_symmetricity": [case(RAW, *DRAWN, n_samples=100), case(RAW, **ALL_TRIPLES)],
    "influence_explained": [case(RAW), case(RAW, terms="sum")],
    "inverse_participation_ratio": [
        *(case(convention=name) for name in ("rfft_one", "rfft_both", "complex_one", "complex_both")),
        *(case(PHASE, convention=name) for name in ("real_one", "real_both")),
    ],
    "irrep_excluded_loss": [case(), case(irreps=["k=1", "trivial"], split="test", skip=True)],
    "irrep_explained": [case(*excuses, site=site) for site, excuses in SITES.items()],
    "irrep_restricted_loss": [case(), case(irreps=["k=1", "trivial"], split="test", skip=True)],
    "key_frequencies": [case(), case(LEFT, rule="embedding"), case(rule="neuron", **LOW)],
    "key_irreps": [case()],
    "n_key_frequencies": [case()],
    "logit_explained": [case(), case(**KEYED)],
    "logit_similarity": [case()],
    "neuron_explained": [case(**LOW), *(case(by_neuron=True, terms=terms) for terms in ("block", "products", "sum"))],
    "neuron_frequencies": [case(**LOW)],
    "neuron_logit_explained": [case(PHASE), case(PHASE, **KEYED)],
    "neuron_logit_residual": [case(RAW, **KEYED)],
    "path_patching": [case(*DRAWN), case(*DRAWN, part="pattern")],
    "phase_relation": [case(SIGN), case(about="zero")],
    "pizza_explained": [case(RAW, DISTANCE, **options) for options in CIRCLES],
    "restricted_loss": [case(), case(split="train", **KEYED), case(split="test", **KEYED)],
    "sharpness": [case(split="test")],
}
TOLERANCE = {"sharpness": 2e-4}  # found by iteration, to 1e-4 of itself; else float64's
CASES = [(measure, *asked) for measure, cases in TABLE.items() for asked in cases]


def over(cases: list[Any]) -> Any:
    names = [f"{measure} {options or ''}" for measure, _, options in cases]
    return pytest.mark.parametrize(("measure", "excuses", "options"), cases, ids=names)


# Networks that have something of everything (circles, noise, biases, a split), and the same under other names.


def gaussian(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def circles(p: int, width: int, keys: list[int], seed: int) -> Tensor:
    """p x width: circles, each weaker than the one before, and noise, too weak to mix their principal components."""
    angle = 2 * np.pi * torch.outer(torch.arange(p), torch.tensor(keys)).double() / p
    planted = torch.stack([angle.cos(), angle.sin()], dim=2) / (1 + torch.arange(len(keys)))[:, None]
    axes = torch.linalg.qr(gaussian(width, 2 * len(keys), seed=seed))[0].T
    return 1.6 * planted.flatten(1) @ axes + 0.1 * gaussian(p, width, seed=seed + 1)


@functools.cache
def network(name: str) -> Snapshot:
    p = NETWORKS[name]
    task = build(BinaryOperation(p=p, operation="x-y" if name == "subtracting" else "x+y"))
    pairs = Interface(n_symbols=p, n_operands=2, n_outputs=p)
    if name == "quadratic":
        model = quadratic_mlp(QuadraticMlpOptions(d_mlp=NEURONS), pairs)
    elif name in ("tied", "untied"):
        options = EmbeddingMlpOptions(d_embed=8, d_mlp=NEURONS, tied=name == "tied", mlp_biases=True)
        model = embedding_mlp(options, pairs)
    else:
        model = transformer(TransformerOptions(d_model=16, n_heads=2, d_mlp=NEURONS), pairs)
    drawn = model.init(torch.Generator().manual_seed(0))
    params = {key: tensor.double() + 0.1 * gaussian(*tensor.shape, seed=1) for key, tensor in drawn.items()}
    if name == "quadratic":
        params = {key: params[key] + 4 * tensor for key, tensor in solution(p, NEURONS, frequencies=KEYS).items()}
    else:
        params["W_E"][:p] = circles(p, params["W_E"].shape[1], KEYS, seed=2)
        to_classes = params.get("W_U", params["W_out"])
        to_classes[:, :p] = circles(p, len(to_classes), KEYS, seed=4).T
    params |= {"W_E_right": circles(p, 8, [1], seed=6)} if name == "untied" else {}
    return Snapshot(task=task, model=model, params=params, train_mask=task.split(0.4, 0))


def unit(change: str, p: int) -> int:
    return {"unit": UNITS[p], "minus": -1}.get(change, 1)


@functools.cache
def moved(name: str, change: str) -> Any:
    """The changed network, and the input and the class of the old one behind each of its own. None: not in this one."""
    snap, p, x = network(name), NETWORKS[name], torch.arange(NETWORKS[name])
    u, sign, two_tables = unit(change, p), -1 if name == "subtracting" else 1, name in ("untied", "quadratic")
    if change == "constant":
        return with_constant(snap), torch.arange(p * p), x
    if change == "quarter" and (p % 4 or not two_tables):
        return None
    left, right = {"shift": (2, 5 if two_tables else 2), "quarter": (p // 4, 0)}.get(change, (0, 0))
    classes = (sign if change == "swap" else u) * x + left + sign * right
    return renamed(snap, (u * x + left) % p, (u * x + right) % p, classes % p, swap=change == "swap")


def renamed(snap: Snapshot, left: Tensor, right: Tensor, classes: Tensor, swap: bool = False) -> Any:
    """The network g(x, y)[z] = f(left[x], right[y])[classes[z]], or with swap f(left[y], right[x]), split alike."""
    p, params = snap.task.n_classes, dict(snap.params)
    rows = {"W_E": left, "W_E_right": right} if "W_E" in params else {"W_in": torch.cat([left, p + right])}
    rows |= {"W_pos": torch.tensor([1, 0])} if swap else {}
    for name in rows.keys() & params.keys():
        params[name] = torch.cat([params[name][rows[name]], params[name][len(rows[name]) :]])
    for name in {"W_U"} & params.keys() or {"W_out", "b_out"} & params.keys():
        params[name] = torch.cat([params[name][..., classes], params[name][..., p:]], dim=-1)
    if swap and "W_pos" not in params:
        params["W_in"] = torch.cat(params["W_in"].chunk(2)[::-1])
        params |= {"W_E": params["W_E_right"], "W_E_right": params["W_E"]} if "W_E_right" in params else {}
    x, y = snap.task.inputs.unbind(1)
    inputs = left[y] * p + right[x] if swap else left[x] * p + right[y]
    mask = snap.train_mask[inputs]
    return Snapshot(task=snap.task, model=snap.model, params=params, train_mask=mask), inputs, classes


def with_constant(snap: Snapshot, size: float = 1.0, roll: int = 0) -> Snapshot:
    """W_U + w 1^T: a number on all logits of an input. roll: classes first exchange their logits."""
    name = "W_U" if "W_U" in snap.params else "W_out"
    params = snap.params | {name: (W := snap.params[name]).roll(roll, 1) + size * gaussian(len(W), 1, seed=9)}
    return Snapshot(task=snap.task, model=snap.model, params=params, train_mask=snap.train_mask)


def image(k: int, change: str, p: int) -> int:
    """The frequency, 1..floor(p/2), of cos(2 pi k x / p) where u x is called x: u k."""
    k = unit(change, p) * k % p
    return min(k, p - k)


def image_of_name(name: str, change: str, p: int) -> str:
    """3, k=3, cos_3, neurons_3_zero; not head_3. A quarter turn makes the cosine of an odd frequency its sine."""
    if change == "quarter" and re.fullmatch(r"(cos|sin)_\d*[13579]", name):
        return {"cos": "sin", "sin": "cos"}[name[:3]] + name[3:]
    return re.sub(r"^(|k=|cos_|sin_|neurons_)(\d+)", lambda at: at[1] + str(image(int(at[2]), change, p)), name)


def image_of_options(options: Mapping[str, Any], change: str, p: int) -> dict[str, Any]:
    exchanged = {"embed": "embed_right", "embed_right": "embed", "neurons_a": "neurons_b"} if change == "swap" else {}
    of: dict[str, Callable[[Any], Any]] = {
        "frequencies": lambda keys: [image(k, change, p) for k in keys],
        "irreps": lambda names: [image_of_name(name, change, p) for name in names],
        "implanted": lambda k: image(k, change, p),
        "shift": lambda shift: shift * pow(unit(change, p), -1, p) % p,
        "site": lambda site: exchanged.get(site, site),
    }
    return {name: of[name](given) if name in of else given for name, given in options.items()}


def image_of_value(measure: str, found: Any, change: str, p: int) -> Any:
    """Mappings by name; arrays of whole numbers hold frequencies."""
    if isinstance(found, dict):
        return {image_of_name(name, change, p): number for name, number in found.items()}
    if not isinstance(found, np.ndarray) or found.dtype != np.int64:
        return found
    keys = [image(int(k), change, p) for k in found]
    return np.array(sorted(keys) if measures()[f"circuits.{measure}"].axis == "index" else keys, dtype=np.int64)


def before(measure: str, name: str, options: Mapping[str, Any]) -> Any:
    answer = functools.partial(evaluate, f"circuits.{measure}", network(name), **options)
    return network(name).remembered((measure, str(options)), answer)


def same(expected: Any, found: Any, tolerance: float = 1e-9) -> bool:
    if isinstance(expected, Missing) or isinstance(found, Missing):
        return expected == found
    return found == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_change_makes_the_network_it_says(name: str, change: str) -> None:
    old = network(name)
    snap, inputs, classes = moved(name, change) or (old, torch.arange(old.task.n_inputs), torch.arange(NETWORKS[name]))
    excess = snap.logits - old.logits[inputs][:, classes]
    assert excess.std(1).max() < 1e-12
    assert (change == "constant") is bool(excess.abs().max() > 0.1)
    assert torch.equal(classes[snap.labels], old.labels[inputs])
    assert torch.equal(snap.train_mask, old.train_mask[inputs])


def test_every_measure_of_circuits_is_in_the_table() -> None:
    found = {name.removeprefix("circuits.") for name in measures() if name.startswith("circuits.")}
    new, gone = sorted(found - TABLE.keys()), sorted(TABLE.keys() - found)
    assert not new, f"enter {new} in TABLE, with their options and why any of {CHANGES} may change them"
    assert not gone, f"{gone} of TABLE are no measures"


@over(CASES)
def test_a_question_has_answers_that_know_their_frequencies(measure: str, excuses: tuple, options: dict) -> None:
    found = {name: before(measure, name, options) for name in NETWORKS}
    answered = {name: value for name, value in found.items() if not isinstance(value, Missing)}
    assert answered, found
    images = [image_of_value(measure, value, "unit", NETWORKS[name]) for name, value in answered.items()]
    if all(isinstance(value, dict) or getattr(value, "dtype", None) == np.int64 for value in images):
        assert not all(map(same, answered.values(), images))


@pytest.mark.parametrize("change", CHANGES)
@over(CASES)
def test_a_measure_changes_as_the_names_do(measure: str, excuses: tuple, options: dict, change: str) -> None:
    """And where it is excused, it needs to be."""
    pairs = {}
    for name, p in NETWORKS.items():
        if after := moved(name, change):
            found = evaluate(f"circuits.{measure}", after[0], **image_of_options(options, change, p))
            pairs[name] = image_of_value(measure, before(measure, name, options), change, p), found
    excuses = [excuse for excuse in excuses if excuse.change == change]
    for name in pairs.keys() - {name for excuse in excuses for name in excuse.networks}:
        expected, found = pairs[name]
        assert same(expected, found, TOLERANCE.get(measure, 1e-9)), f"on {name}: expected {expected}, found {found}"
    for excuse in excuses:
        assert not all(same(*pairs[name], tolerance=1e-6) for name in pairs.keys() & excuse.networks), excuse


@over([asked for asked in CASES if RAW in asked[1]])
def test_to_raw_logits_a_constant_large_enough_is_all(measure: str, excuses: tuple, options: dict) -> None:
    """Whatever the logits were without it."""
    for name in NETWORKS:
        large = (with_constant(network(name), 1e9, roll) for roll in (0, 1))
        assert same(*(evaluate(f"circuits.{measure}", snap, **options) for snap in large), tolerance=1e-6), name


@pytest.mark.parametrize("name", ["transformer", "subtracting"])
def test_swapped_operands_swap_the_keys_of_attention(name: str) -> None:
    """Attention to the second operand, regressed on the two waves of each frequency."""
    p, snap, (after, _, _) = NETWORKS[name], network(name), moved(name, "swap")
    A, fits = snap.activations["pattern"][..., 1], []
    for k in range(1, p // 2 + 1):
        a, b = (2 * np.pi * k * snap.task.inputs.double() / p).unbind(1)
        columns = torch.stack([torch.ones_like(a), a.cos() - b.cos(), a.sin() - b.sin()], dim=1)
        residual = A - columns @ torch.linalg.lstsq(columns, A).solution
        fits.append(1 - residual.square().sum(0) / (A - A.mean(0)).square().sum(0))
    np.testing.assert_allclose(evaluate("circuits.attention_explained", after), torch.stack(fits).amax(0), atol=1e-9)
