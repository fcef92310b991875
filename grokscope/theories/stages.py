"""Three stages, memorisation, the dark and sudden insight; and the symmetry is learned before the structure."""

import math

from grokscope.errors import Missing
from grokscope.predictions.arms import NO_DECAY
from grokscope.predictions.base import Theory
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import RANDOM_LABELS, over, per_seed, text
from grokscope.predictions.series import OFTEN, halves
from grokscope.predictions.shared import BASES, LARGE, MOST_DATA
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below
from grokscope.statistics.transitions import first_held

NEVER = 1e12  # a step that no run has: readings are finite
DARK = 0.2  # accuracy on fresh inputs up to which no rule shows: twice the level of t_10


def _in_order(subject: Subject) -> Number:
    """1 if the stages of a run that groks come in this order."""
    phases = subject.phases
    if not phases.grokked:
        return Missing("the run does not grok")
    mem, onset, gen = phases.memorized_at, phases.onset_at, phases.generalized_at
    return float(mem is not None and onset is not None and gen is not None and mem < onset < gen)


def _three(subject: Subject) -> float:
    """The same; a run that does not grok does not have the three stages."""
    found = _in_order(subject)
    return 0.0 if isinstance(found, Missing) else found


def _dark(subject: Subject) -> Number:
    """1 if fresh accuracy stays dark for at least as long again as memorisation took, in a run that groks."""
    return _dark_after(subject) if subject.phases.grokked else Missing("the run does not grok")


def _dark_after(subject: Subject) -> Number:
    """The same in any run that memorises."""
    phases, rows = subject.phases, subject.rows("behaviour.fresh_accuracy")
    if phases.memorized_at is None:
        return Missing("the run does not memorise")
    if not len(rows):
        return Missing("the task has no fresh inputs")
    here = (rows.steps >= phases.memorized_at) & (rows.steps <= 2 * phases.memorized_at)
    return float((rows.values[here] <= DARK).all()) if here.any() else Missing("no evaluation in the dark stage")


def _learned(kind: str) -> Series:
    """The step to 90 % of twin or fresh inputs."""
    measure = f"behaviour.{kind}_accuracy"

    def of(subject: Subject) -> Number:
        rows = subject.rows(measure)
        if not len(rows):
            return Missing("the run has no twin or no fresh inputs")
        step = first_held(rows.steps, rows.values, 0.9)
        return Missing("twin or fresh inputs do not come to 90 %") if step is None else step

    return Series(f"step to 90 % of {kind} inputs", of, (measure,))


def _right(kind: str) -> Series:
    """The step from which half of the twin or fresh inputs are right; NEVER where that is not reached."""
    measure = f"behaviour.{kind}_accuracy"

    def of(subject: Subject) -> Number:
        rows = subject.rows(measure)
        if not len(rows):
            return Missing(f"the run has no {kind} inputs")
        step = first_held(rows.steps, rows.values, 0.5)
        return NEVER if step is None else float(step)

    return Series(f"step from which half of the {kind} inputs are right", of, (measure,))


TWIN, FRESH = (halves(f"behaviour.{kind}_accuracy", "", OFTEN) for kind in ("twin", "fresh"))
BEHAVIOUR = ("behaviour.train_accuracy", "behaviour.test_accuracy", "behaviour.test_loss")
STAGES = text("Memorisation, the dark, sudden insight: in this order", "背诵 → 暗夜 → 顿悟，依次出现")
SYMMETRY = text("The symmetry is learned long before the structure", "先学会对称性，很久以后才学会结构")

stages = Theory(
    id="stages",
    title=text("Stages", "三阶段"),
    source="the essay's first section; symmetry_first is the project's own",
    arms=(*BASES, LARGE),
    predictions=(
        per_seed(
            Series("stages in order", _in_order, BEHAVIOUR),
            share=True,
            controls=(),
            id="stages.three",
            part="order",
            claim=STAGES,
            measured=text(
                "of runs that grok: memorised, onset and generalised are found, in this order",
                "在顿悟的训练中：记忆、起始点、泛化都能找到，且依次出现",
            ),
        ),
        per_seed(
            Series("dark stage", _dark, ("behaviour.fresh_accuracy",)),
            share=True,
            controls=(),
            id="stages.three",
            part="dark",
            claim=STAGES,
            measured=text(
                "of runs that grok: for as long again as memorisation took, accuracy on fresh inputs stays below .2",
                "在顿悟的训练中：记忆之后同样长的时间内，全新输入的准确率低于 .2",
            ),
        ),
        per_seed(
            TWIN.otherwise(-math.inf),
            FRESH,
            # Twins that were right when the training set was memorised, and stay so, were learned before.
            of=lambda twin, fresh: float(twin < fresh),
            share=True,
            controls=(RANDOM_LABELS,),
            id="stages.symmetry_first",
            part="order",
            claim=SYMMETRY,
            measured=text(
                "accuracy on twins has made half of its rise before that on fresh inputs",
                "孪生输入的准确率先于全新输入完成一半上升",
            ),
        ),
        # "Long before" is fixed here, before these data were looked at: at most two thirds of the steps.
        per_seed(
            _learned("twin"),
            _learned("fresh"),
            of=over,
            controls=(),
            id="stages.symmetry_first",
            part="long before",
            claim=SYMMETRY,
            supports=below(2 / 3),
            refutes=above(1),
            measured=text(
                "steps to 90 % of twins over steps to 90 % of fresh inputs", "孪生输入与全新输入达到 90 % 的步数之比"
            ),
        ),
        per_seed(
            Series("the three stages in order", _three, BEHAVIOUR),
            share=True,
            controls=(RANDOM_LABELS, NO_DECAY),
            id="stages.three",
            part="order",
            version=3,
            claim=STAGES,
            ideal=1.0,
            changed=text(
                "of all runs, not of those that grok: so the controls, which do not grok, can answer",
                "针对所有训练而非只看顿悟者：这样不顿悟的对照组也能作答",
            ),
            measured=text(
                "share of runs that memorise, whose test loss then rises to an onset, and that generalise much later",
                "先记忆、测试损失随后升到起始点、很久以后才泛化的训练占比",
            ),
        ),
        per_seed(
            Series("dark after memorisation", _dark_after, ("behaviour.fresh_accuracy",)),
            share=True,
            # Random labels are dark before as well, as the claim has it: the control is a run that learns at once.
            controls=(MOST_DATA,),
            id="stages.three",
            part="dark",
            version=3,
            claim=STAGES,
            ideal=1.0,
            changed=text(
                "of all runs that memorise, held against networks on nine tenths of the data, which learn at once",
                "针对所有已记忆的训练，并与在九成数据上立即学会规则的网络比较",
            ),
            measured=text(
                "for as long again as memorisation took, accuracy on fresh inputs stays below .2",
                "记忆之后同样长的时间内，全新输入的准确率低于 .2",
            ),
        ),
        per_seed(
            _right("twin"),
            _right("fresh"),
            of=lambda twin, fresh: float(twin < fresh),
            share=True,
            controls=(RANDOM_LABELS,),
            id="stages.symmetry_first",
            part="order",
            version=3,
            claim=SYMMETRY,
            ideal=1.0,
            changed=text(
                "a twin series without an answer counted as early: what is missing is missing now; and steps to one "
                "level, half of the inputs right, not halves of two rises, whose order depends on their widths",
                "此前无答案的孪生曲线被算作“更早”，现在缺失就是缺失；并改用同一水平（一半输入答对）的步数，"
                "而非两条上升曲线各自的一半（其先后取决于宽度）",
            ),
            measured=text(
                "half of the twins are right before half of the fresh inputs are", "孪生输入先于全新输入达到一半答对"
            ),
        ),
        per_seed(
            _learned("twin"),
            _learned("fresh"),
            of=over,
            geometric=True,
            controls=(),
            id="stages.symmetry_first",
            part="long before",
            version=3,
            claim=SYMMETRY,
            supports=below(2 / 3),
            refutes=above(1),
            changed=text("a ratio of times is averaged by its logarithm", "时间之比按对数平均"),
            measured=text(
                "steps to 90 % of twins over steps to 90 % of fresh inputs", "孪生输入与全新输入达到 90 % 的步数之比"
            ),
        ),
    ),
)
