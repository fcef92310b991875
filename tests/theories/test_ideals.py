"""Could an ideal network pass, and could a control? Each claim on made-up readings of an ideal network, of one that is
no better than its controls, and of the opposite."""

import math
from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.predictions.verdict import claims
from grokscope.theories.base import theories
from grokscope.theories.softmax_collapse import GRID, NEVER
from tests.theories.ideals import At, Scenario, verdict

LN = math.log(59)
OWN = (
    "triggers",
    "stages",
    "circuits",
    "goldilocks",
    "softmax_collapse",
    "lazy_rich",
    "weight_efficiency",
    "delay_laws",
)


def by_arm(default: float, **others: float) -> Any:
    """A number of each arm; keywords are the last word of its name."""

    def value(at: At) -> float:
        return others.get(at.arm.replace("=", "/").split("/")[-1].replace(".", "_"), default)

    return value


def noisy(value: float, spread: float = 0.02, **others: float) -> Any:
    return lambda at: at.near(others.get(at.arm.split("/")[-1], value), spread)


# triggers.three: what each arm learns.
def learns(**arms: tuple[float, float, float]) -> Scenario:
    """(memorised, generalised, grokked) of each arm."""
    names = {"large": "train_fraction=0.9", "random": "random_labels", "free": "no_weight_decay", "base": "base"}
    table = {names[short]: values for short, values in arms.items()}
    return {
        name: (lambda at, place=place: table[at.arm][place])
        for place, name in enumerate(("memorised", "generalised", "grokked"))
    }


MEMORISES, LATE, AT_ONCE = (1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 1.0, 0.0)

# stages
STAGES = ("the three stages in order", "dark after memorisation")
TWIN, FRESH = (f"step from which half of the {kind} inputs are right" for kind in ("twin", "fresh"))
TWIN_90, FRESH_90 = (f"step to 90 % of {kind} inputs" for kind in ("twin", "fresh"))


def symmetry(twin: float, fresh: float, random: float = NEVER) -> Scenario:
    def step(value: float) -> Any:
        return lambda at: random if at.arm == "random_labels" else at.near(value)

    return {TWIN: step(twin), FRESH: step(fresh), TWIN_90: step(1.2 * twin), FRESH_90: step(1.2 * fresh)}


# circuits
def fourier(
    pure: float = 1.0, keys: float = 5, restricted: float = 1e-8, loss: float = 1e-7, **more: float
) -> Scenario:
    """Of the base: shares, and losses in nats. Controls have the numbers of memorised and of untrained networks."""
    of = {"random_labels": 0.05, "untrained": 0.02}
    share = lambda at: of.get(at.arm, pure)  # noqa: E731
    train = more.get("train", 1e-8)
    return {
        "circuits.n_key_frequencies @ after": by_arm(keys, random_labels=25, untrained=27),
        "number of classes": 59.0,
        **{
            f"circuits.{name} @ after": share for name in ("logit_explained", "neuron_explained", "influence_explained")
        },
        "circuits.restricted_loss[split=test] @ after": by_arm(restricted, random_labels=LN, untrained=LN),
        "behaviour.test_loss @ after": by_arm(loss, random_labels=20, untrained=LN + 0.1),
        "circuits.excluded_loss @ after": by_arm(more.get("excluded", 9.0), random_labels=0.5, untrained=LN + 0.1),
        "behaviour.train_loss @ after": by_arm(train, random_labels=1e-8, untrained=LN + 0.1),
    }


def phased(order: float, after: float, random: float = 0.25) -> Scenario:
    gini = {"random_labels": random}
    return {
        "circuit forms in between": by_arm(order, no_weight_decay=0.0),
        "circuits.gini_embedding @ after": lambda at: at.near(gini.get(at.arm, after)),
        "circuits.gini_embedding @ memorised": lambda at: at.near(0.22),
    }


def formed(share: float, random: float, spread: float = 0.1) -> Scenario:
    """Restricted loss at onset over that of guessing."""
    value = noisy(share * LN, spread, random_labels=random * LN)
    return {"circuits.restricted_loss[split=test] @ onset": value, "number of classes": 59.0}


def algorithm(
    symmetricity: float, irrelevance: float, waves: float = 0.05, **controls: tuple[float, float]
) -> Scenario:
    """Controls are named neither, unless they are given. waves: the logits of controls that key frequencies explain."""
    known = {"random_labels": (0.5, 0.2), "untrained": (0.5, 0.2)} | controls

    def of(place: int) -> Any:
        return lambda at: known.get(at.arm, (symmetricity, irrelevance))[place]

    return {
        "circuits.logit_explained @ after": by_arm(0.95, random_labels=waves, untrained=waves),
        "circuits.gradient_symmetricity @ after": of(0),
        "circuits.distance_irrelevance[variant=correct] @ after": of(1),
    }


# goldilocks
def spheres(low: float, high: float, fits_from: float) -> Scenario:
    """Test accuracy is 1 between two norms, and training inputs are fitted from a norm on."""
    return {
        "last behaviour.test_accuracy": lambda at: 1.0 if low <= at.value <= high else 0.1,
        "last behaviour.train_accuracy": lambda at: 1.0 if at.value >= fits_from else 0.5,
    }


def law(constant: float = 1.0, bend: float = 0.0, spread: float = 0.05, critical: float = 1.1) -> Scenario:
    """t_gen = constant ln(w0 / w_c) / (rate x decay), or with a bend in ln w0."""

    def time(at: At) -> float:
        x = math.log(at.value / critical)
        return at.near(1_000 * (constant * x + bend * (x - 0.6) ** 2) + 3_000 * (bend != 0), spread)

    return {
        "first weights.norm": lambda at: at.near(20 * at.value, 0.002),
        "rate x decay": 1e-3,
        "t_gen or the end": time,
        "generalised": 1.0,
    }


UNIQUE = {15: 0.001, 20: 0.175, 25: 0.80, 30: 0.981}  # P(one linear representation) of n of 55 samples: Liu et al. 2022
INDEX = "representation.quality_index[convention=standardised] @ after"
SOLUTIONS = "representation.solution_dimension @ after"


def toy(found: Any, constant: float = 1.0) -> Scenario:
    """found: whether a seed finds its representation at a size, from whether its training set leaves one alone."""

    def unique(at: At) -> bool:
        rank = ((at.seed * 0.6180339887) % 1.0) or 0.5  # the seed's place among seeds, evenly spread
        return rank < UNIQUE.get(at.value, 1.0 if at.value > 30 else 0.0)

    return {
        INDEX: lambda at: float(found(at, unique(at))),
        "number of inputs": 55.0,
        SOLUTIONS: lambda at: 2.0 if unique(at) else 3.0,
        "representation.predicted_rate @ after": lambda at: at.near(0.01) if unique(at) else 0.0,
        "time constant of the effective loss": lambda at: at.near(100 * constant, 0.1),
    }


# softmax collapse
def collapse(
    decay: float, steps: tuple[float, float, float] = (115, 3_000, 11_000), own: float = 0.0, done: float = math.inf
) -> Scenario:
    """decay: what weight decay gains by a step done, or by the end; own: what the arms gain after their collapse."""
    at_step = dict(zip(("float16", "float32", "float64"), steps, strict=True))
    known: dict[str, Any] = {
        f"test accuracy at step {step}": (lambda at, step=step: 0.002 + (decay if step >= done else 0)) for step in GRID
    }
    return known | {
        "step of collapse, or never": lambda at: at_step.get(at.arm.split("/")[-1], NEVER),
        "test accuracy gained after collapse": lambda at: own + 0.001 * at.noise,
        "last behaviour.test_accuracy": lambda at: 0.002 + decay + 0.001 * at.noise,
    }


ALIGNED = "stability.nlm_alignment#W_out @ "

# lazy to rich
KERNEL = "kernel.ntk_change[by={},n_samples=128] @ {}"
ALIGNMENT = "kernel.ntk_alignment[convention=kumar,n_samples=128] @ "


def kernel(before: float, random: float, aligned: float, others: float = 1.0) -> Scenario:
    """before: the share of its way that the kernel goes before onset; aligned: its alignment at the end over that when
    memorised; others: of the controls."""

    def change(stage: str) -> Any:
        def value(at: At) -> float:
            share = random if at.arm == "random_labels" else before
            return {"t_mem": 1.0, "onset": 1 + at.near(share), "after": 2 + at.near(0.001)}[stage]

        return value

    grows = lambda at: at.near(0.01 * (aligned if at.arm == "base" else others))  # noqa: E731
    changes = {
        KERNEL.format(by, at): change(at) for by in ("frobenius", "distance") for at in ("t_mem", "onset", "after")
    }
    return changes | {f"{ALIGNMENT}memorised": lambda at: at.near(0.01), f"{ALIGNMENT}after": grows}


def scales(power: float, *, groks_from: float = 1.0, generalises: float = 1.0) -> Scenario:
    """t_gen / t_mem grows as a power of the output scale."""
    return {
        "t_gen or twice the end": lambda at: at.near(2_000 * at.value**power, 0.001),
        "t_mem or the end": 500.0,
        "generalised": generalises,
        "grokked": lambda at: float(at.value >= groks_from),
    }


def shares(*groks: float) -> Scenario:
    return {"grokked": lambda at: float(at.value in groks)}


# weight efficiency
NORM, PURITY = "efficiency.norm_per_logit[of=rescaled] @ after", "manifold.harmonic_share[split=all] @ after"


def norms(memorising: float, generalising: float, **more: float) -> Scenario:
    """Exponents of the training size; generalising networks have the norm of memorising ones at the size cross."""
    cross = more.get("cross", 144.0)

    def norm(at: At) -> float:
        if "going on" in at.arm:
            return at.near(15 * (at.value / 700) ** generalising)
        return at.near(15 * (at.value / cross) ** memorising, 0.01)

    def end(at: At) -> float:
        if at.arm.startswith("ungrok at"):  # falls to one half at 144, ever more steeply in ln n
            return 1 / (1 + math.exp(-more.get("steep", 4.0) * math.log(at.value / more.get("half", 144.0))))
        return at.near(
            {"small": more.get("small", 0.2), "large": more.get("large", 0.99)}[at.arm.split("/")[-1]], 0.001
        )

    return {NORM: norm, PURITY: more.get("purity", 0.99), "last behaviour.test_accuracy": end}


# delay laws
def waits(power: float, *, twice: float = 1.0, ratio: float = 1.0, l2: float = 0.0) -> Scenario:
    """The delay goes as a power of rate and decay, as another one of L2 in Adam; times 2 x rate x decay it is ratio
    times the logarithm of the norms' ratio, which is some number about 2.3."""

    def delay(at: At) -> float:
        return at.near(2_000 * at.value ** (l2 if "l2" in at.arm else power))

    def product(at: At) -> float:
        return 2.3 * at.value**0.2

    return {
        "delay": lambda at: at.near(1000 * (ratio * product(at) + twice - 1), 0.01),
        "2 x rate x decay": 1e-3,
        "ln V_mem / V_post": product,
        "delay or the end": delay,
        "generalised after memorising": 1.0,
        "learning rate": lambda at: float(at.value),
        "weight decay": lambda at: float(at.value),
    }


def initial(squared: bool, cross: bool) -> Scenario:
    """Whether t_gen goes as ln w0 under each loss; else it goes up and down."""

    def time(at: At) -> float:
        straight = squared if "squared" in at.arm else cross
        return at.near(
            2_000 * (1 + math.log(at.value)) if straight else 3_000 + 900 * (-1) ** round(2 * math.log2(at.value))
        )

    return {"first weights.norm": lambda at: 20 * at.value, "t_gen or the end": time, "generalised": 1.0}


def held(alpha: float, bend: float = 0.0) -> Scenario:
    """t_gen goes as exp(alpha rho), of networks clamped to rho times a W_c that is not that of the pilots."""

    def time(at: At) -> float:
        rho = (at.value or 1.0) / 0.9
        return at.near(1_000 * math.exp(alpha * (rho - 1) + bend * (rho - 1.11) ** 2), 0.1)

    return {
        "norm of the matrices at test accuracy .9": lambda at: at.near(36 * 0.9, 0.01),
        "clamped norm": lambda at: 36.0 * (at.value or 1.0),
        "t_gen or the end": time,
        "generalised": 1.0,
    }


def logits(back: float, alone: float) -> Scenario:
    """Shares of the wait at 1.15 that go when logits are put back, and that come with the logits alone."""
    shares = {"delay/clamp/1": 0.0, "delay/clamp/1.15": 1.0, "put back": 1 - back, "alone": alone}

    def time(at: At) -> float:
        return at.near(1_000 * math.exp(1.2 * shares[at.arm.removeprefix("delay/logits/")]), 0.05)

    return {"t_gen or the end": time, "generalised": 1.0}


FALLS = {"falls_short", "refuted"}
# Claim -> an ideal network, networks no better than their controls, and the opposite of the claim.
SCENARIOS: dict[str, tuple[Scenario, Scenario, Scenario]] = {
    "triggers.three": (
        learns(base=LATE, large=AT_ONCE, random=MEMORISES, free=MEMORISES),
        learns(base=LATE, large=LATE, random=LATE, free=LATE),
        learns(base=MEMORISES, large=(0, 0, 0), random=(0, 0, 0), free=(0, 0, 0)),
    ),
    "stages.three": (
        {STAGES[0]: by_arm(1, random_labels=0, no_weight_decay=0), STAGES[1]: by_arm(1, **{"0_9": 0.0})},
        dict.fromkeys(STAGES, 1.0),
        dict.fromkeys(STAGES, 0.0),
    ),
    "stages.symmetry_first": (symmetry(600, 4_000), symmetry(4_000, 4_000), symmetry(4_000, 600)),
    "circuits.fourier": (
        fourier(),
        fourier(pure=0.05, keys=25, restricted=LN, loss=20, excluded=0.5),
        fourier(pure=0.1),
    ),
    "circuits.three_phases": (phased(1, 0.6), phased(0, 0.25), phased(0, 0.1)),
    "circuits.before": (formed(0.1, 1.2, 0.5), formed(1.2, 1.2), formed(1.5, 1.2)),
    "circuits.clock_pizza": (
        algorithm(0.3, 0.8),
        algorithm(0.3, 0.8, 0.95, random_labels=(0.3, 0.8), untrained=(0.3, 0.8)),
        algorithm(0.5, 0.2),
    ),
    "goldilocks.shell": (spheres(0.8, 1.25, 0.8), spheres(0.0, 9.0, 0.0), spheres(2.5, 4.0, 0.0)),
    "goldilocks.time": (law(), law(bend=8.0, constant=0.3), law(constant=5.0)),
    "goldilocks.phases": (
        {"phase": lambda at: float(["0", "0.3", "1", "10"].index(at.value.split("=")[1]))},
        {"phase": 0.0},
        {"phase": lambda at: float(at.value.endswith("=10"))},
    ),
    "goldilocks.critical_fraction": (
        toy(lambda _, unique: unique),
        toy(lambda at, _: at.seed % 2),
        toy(lambda at, _: at.value >= 45, constant=4.0),
    ),
    "collapse.stops": (collapse(decay=0.9), collapse(decay=0.0), collapse(decay=0.9, own=0.9)),
    "collapse.stablemax": (
        {"grokked": by_arm(0, stablemax=1)},
        {"grokked": by_arm(1)},
        {"grokked": by_arm(0)},
    ),
    "collapse.perpgrad": (
        {"generalised": by_arm(0, perpendicular=1), "grokked": by_arm(0)},
        {"generalised": by_arm(1), "grokked": by_arm(0)},
        {"generalised": by_arm(0), "grokked": by_arm(0)},
    ),
    "collapse.nlm": (
        {f"{ALIGNED}memorised": noisy(0.95), f"{ALIGNED}untrained": noisy(0.02)},
        {f"{ALIGNED}memorised": noisy(0.8), f"{ALIGNED}untrained": noisy(0.8)},
        {f"{ALIGNED}memorised": noisy(0.1), f"{ALIGNED}untrained": noisy(0.2)},
    ),
    "lazy.alpha": (scales(1.0), scales(0.0, groks_from=0.0), scales(-1.0, groks_from=9.0)),
    "lazy.ntk": (kernel(0.05, 0.6, 1.5), kernel(0.05, 0.05, 1.0), kernel(0.9, 0.6, 0.7)),
    "lazy.goldilocks_data": (shares(0.45, 0.55), shares(0.35, 0.45, 0.55, 0.65, 0.75, 0.9), shares(0.35, 0.9)),
    "efficiency.norm": (norms(0.33, 0.0), norms(0.33, 0.33), norms(0.0, 0.33)),
    "efficiency.critical_size": (
        norms(0.33, 0.0),
        norms(0.33, 0.0, small=0.9, large=0.9),
        norms(0.33, 0.0, half=60.0, steep=9.0, small=0.97, large=0.4),
    ),
    "delay.norm_ratio": (waits(-1.0), waits(-1.0, ratio=0.0, twice=3.0), waits(-1.0, ratio=4.0)),
    "delay.rate": (waits(-1.0), waits(0.0), waits(-1.8)),
    "delay.decoupled": (waits(-1.0), waits(0.0), waits(-1.0, l2=-1.0)),
    "delay.loss": (initial(True, False), initial(True, True), initial(False, True)),
    "delay.clamp": (held(7.5), held(0.0), held(30.0)),
    "delay.attention": (held(15.0), held(0.0), held(45.0)),
    "delay.layer_norm": (held(0.0), held(7.5), held(-7.5)),
    "delay.logits": (logits(0.9, 0.9), logits(0.0, 0.0), logits(0.2, 0.2)),
}
THEORY = {row.id: name for name in OWN for row in theories()[name].predictions}


@pytest.mark.parametrize("claim", SCENARIOS)
def test_an_ideal_network_passes(claim: str) -> None:
    found, parts = verdict(THEORY[claim], claim, SCENARIOS[claim][0])
    assert (found, set(parts.values())) == ("supported", {"supported"}), parts


@pytest.mark.parametrize("claim", SCENARIOS)
def test_what_is_no_better_than_its_controls_does_not(claim: str) -> None:
    assert verdict(THEORY[claim], claim, SCENARIOS[claim][1])[0] != "supported"


@pytest.mark.parametrize("claim", SCENARIOS)
def test_the_opposite_falls(claim: str) -> None:
    found, parts = verdict(THEORY[claim], claim, SCENARIOS[claim][2])
    assert found in FALLS, parts


def test_every_claim_of_these_theories_is_asked() -> None:
    asked = {one.rows[0].id for name in OWN for one in claims(theories()[name]) if one.current and one.testable}
    assert asked == SCENARIOS.keys()


def test_a_large_noise_of_times_does_not_show_that_the_law_fails() -> None:
    """The law holds exactly, and seeds differ so much that ten of them do not show it."""
    _, parts = verdict("goldilocks", "goldilocks.time", law(spread=1.5, critical=0.5), seeds=10)
    assert not FALLS & {parts["linear"], parts["linear, teacher and student"]}


def test_networks_that_memorise_a_part_do_not_count() -> None:
    """Impure networks have a norm that grows with the data, pure ones do not."""
    known = dict(norms(0.33, 0.0))
    impure = lambda at: "going on" in at.arm and at.value == 336  # noqa: E731
    norm: Any = known[NORM]
    known[NORM] = lambda at: 3 * norm(at) if impure(at) else norm(at)
    assert verdict("weight_efficiency", "efficiency.norm", known)[0] != "supported"
    known[PURITY] = lambda at: 0.7 if impure(at) else 0.99
    assert verdict("weight_efficiency", "efficiency.norm", known)[0] == "supported"
    known[PURITY] = 0.7
    found, _ = verdict("weight_efficiency", "efficiency.norm", known)
    assert found == "undecided"


def test_a_norm_whose_accuracy_is_missing_is_no_edge_of_the_shell() -> None:
    flat = dict(spheres(0.5, 9.0, 0.5))
    test: Any = flat["last behaviour.test_accuracy"]
    assert verdict("goldilocks", "goldilocks.shell", flat)[0] in FALLS  # no upper edge
    flat["last behaviour.test_accuracy"] = lambda at: Missing("lost") if at.value == 4.0 else test(at)
    assert verdict("goldilocks", "goldilocks.shell", flat)[0] == "undecided"


def test_a_stall_is_held_against_what_weight_decay_gains_in_the_same_steps() -> None:
    """float32 collapses after weight decay has generalised: in these steps neither gains anything."""
    late = collapse(decay=0.9, done=2_000)
    assert verdict("softmax_collapse", "collapse.stops", late)[0] != "supported"
    early = collapse(decay=0.9, steps=(115, 900, 1_400), done=2_000)
    assert verdict("softmax_collapse", "collapse.stops", early)[0] == "supported"


def test_twins_without_an_answer_are_no_support() -> None:
    known = dict(symmetry(600, 4_000))
    known[TWIN] = lambda at: Missing("the run has no twin inputs")
    assert verdict("stages", "stages.symmetry_first", known)[0] == "undecided"


def test_a_name_that_networks_without_a_circuit_have_too_is_not_counted_for_these() -> None:
    """By the thresholds alone a network with random labels can be a clock."""
    named = algorithm(0.3, 0.8, random_labels=(0.3, 0.8))
    assert verdict("circuits", "circuits.clock_pizza", named)[0] == "supported"
