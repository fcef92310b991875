"""Three stages: memorisation, the dark, sudden insight; and the symmetry before the structure."""

from grokscope.errors import Missing
from grokscope.predictions.base import Theory
from grokscope.predictions.rows import RANDOM_LABELS, per_seed, text
from grokscope.predictions.series import OFTEN, half_way
from grokscope.predictions.shared import BASES
from grokscope.predictions.subject import Number, Subject
from grokscope.statistics.regions import above, below

DARK = 0.2  # accuracy on fresh inputs up to which nothing of the rule shows: twice the level of t_10


def _in_order(subject: Subject) -> Number:
    """1 if the stages of a run that groks come in their order."""
    found = subject.phases
    if not found.grokked:
        return Missing("the run does not grok")
    steps = (found.memorized_at, found.onset_at, found.generalized_at)
    if None in steps:
        return 0.0
    return float(list(steps) == sorted(steps) and len(set(steps)) == 3)  # pyright: ignore[reportArgumentType]


def _dark(subject: Subject) -> Number:
    """1 if fresh accuracy stays dark for at least as long again as memorisation took."""
    found, rows = subject.phases, subject.rows("behaviour.fresh_accuracy")
    if not found.grokked or found.memorized_at is None:
        return Missing("the run does not grok")
    if not len(rows):
        return Missing("the task has no fresh inputs")
    here = (rows.steps >= found.memorized_at) & (rows.steps <= 2 * found.memorized_at)
    return float((rows.values[here] <= DARK).all()) if here.any() else Missing("no evaluation in the dark stage")


def _symmetry_first(subject: Subject) -> Number:
    """1 if twin accuracy has made half of its rise before fresh accuracy has."""
    twin, fresh = (half_way(subject, f"behaviour.{kind}_accuracy", "", OFTEN) for kind in ("twin", "fresh"))
    if isinstance(fresh, Missing):
        return fresh
    # Twins that were right when the training set was memorised, and stay so, were learned before.
    return float(isinstance(twin, Missing) or twin < fresh)


def _head_start(subject: Subject) -> Number:
    """Steps to 90 % of twins over steps to 90 % of fresh inputs, both from memorisation."""
    from grokscope.statistics.transitions import first_held

    rows = [subject.rows(f"behaviour.{kind}_accuracy") for kind in ("twin", "fresh")]
    if not all(len(each) for each in rows):
        return Missing("the run has no twin or no fresh inputs")
    found = [first_held(each.steps, each.values, 0.9) for each in rows]
    if found[0] is None or found[1] is None:
        return Missing("twin or fresh inputs do not come to 90 %")
    return found[0] / found[1]


STAGES = text("Memorisation, the dark, sudden insight: in this order", "背诵 → 暗夜 → 顿悟，依次出现")
SYMMETRY = text("The symmetry is learned long before the structure", "先学会对称性，很久以后才学会结构")

stages = Theory(
    id="stages",
    title=text("Stages", "三阶段"),
    source="the essay's first section; symmetry_first is the project's own",
    arms=BASES,
    predictions=(
        per_seed(
            _in_order,
            share=True,
            controls=(),
            id="stages.three",
            part="order",
            claim=STAGES,
            measures=("behaviour.train_accuracy", "behaviour.test_accuracy", "behaviour.test_loss"),
            measured=text(
                "of runs that grok: memorised, onset and generalised are found, in this order",
                "在顿悟的训练中：记忆、起始点、泛化都能找到，且依次出现",
            ),
        ),
        per_seed(
            _dark,
            share=True,
            controls=(),
            id="stages.three",
            part="dark",
            claim=STAGES,
            measures=("behaviour.fresh_accuracy",),
            measured=text(
                "of runs that grok: for as long again as memorisation took, accuracy on fresh inputs stays below .2",
                "在顿悟的训练中：记忆之后同样长的时间内，全新输入的准确率低于 .2",
            ),
        ),
        per_seed(
            _symmetry_first,
            share=True,
            controls=(RANDOM_LABELS,),
            id="stages.symmetry_first",
            part="order",
            claim=SYMMETRY,
            measures=("behaviour.twin_accuracy", "behaviour.fresh_accuracy"),
            measured=text(
                "accuracy on twins has made half of its rise before that on fresh inputs",
                "孪生输入的准确率先于全新输入完成一半上升",
            ),
        ),
        # "Long before" is fixed here, before these data were looked at: at most two thirds of the steps.
        per_seed(
            _head_start,
            controls=(),
            id="stages.symmetry_first",
            part="long before",
            claim=SYMMETRY,
            supports=below(2 / 3),
            refutes=above(1),
            measures=("behaviour.twin_accuracy", "behaviour.fresh_accuracy"),
            measured=text(
                "steps to 90 % of twins over steps to 90 % of fresh inputs", "孪生输入与全新输入达到 90 % 的步数之比"
            ),
        ),
    ),
)
