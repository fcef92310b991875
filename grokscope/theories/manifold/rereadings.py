"""How the hypothesis reads the other explanations; each reading is a prediction of its own.

`efficiency` reads weight efficiency.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from grokscope.errors import Missing, first_missing, of_all
from grokscope.predictions.arms import BASE, NO_DECAY
from grokscope.predictions.base import Answers, Given, Key, Means, Prediction, Sample, Shares, Statistic
from grokscope.predictions.readings import At, Number, Reading, Series, Stage, at
from grokscope.predictions.rows import RANKED_T_GEN, along, last, over, per_group, per_seed, rank_correlation, text
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.series import COLLAPSED_AT
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import NOWHERE, above, below

Kind: TypeAlias = Callable[[dict[Key, Number]], Means | Shares]
ORDER = ("manifold.harmonic_share", "split=all")
ACCURACY = last("behaviour.test_accuracy")


def _rank(stage: Stage) -> At:
    """Effective rank of the samples' gradients at the logits; at the end .5 where there is no gradient at all."""
    reading = at(stage, "stability.gradient_effective_rank")
    return reading.otherwise(0.5) if stage == "after" else reading


def _linear(stage: Stage) -> At:
    return at(stage, "kernel.linear_representation")


# A rank correlation lies between these: equal ones of all seeds have an interval.
CORRELATION = functools.partial(Means, bounds=(-1.0, 1.0))


def _over_spheres(of: Callable[[np.ndarray, np.ndarray], Number], kind: Kind, score: Reading) -> Statistic:
    """Per seed: a number of the manifold's scores and the test accuracies on spheres of several norms."""

    def seed(_: np.ndarray, runs: Sequence[Answers]) -> Number:
        pairs = [(run[score], run[ACCURACY]) for run in runs]
        if first_missing(*(value for pair in pairs for value in pair)) is not None:
            return Missing("a sphere has no score")
        return of(*np.array(pairs, dtype=np.float64).T)

    # With four spheres one swap moves the correlation by .2.
    lacking = "{} spheres; needs 5: arms sphere/0.5, sphere/1, ..."
    return along("sphere", seed, fewest=5, lacking=lacking, kind=kind)


def _same_peak(score: np.ndarray, accuracy: np.ndarray) -> Number:
    """1 if the accuracy on the sphere with the best score is within .01 of the best accuracy."""
    return float(accuracy[int(score.argmax())] >= accuracy.max() - 0.01)


def _life(subject: Subject) -> Number:
    """Steps from the switch to generalisation; twice the rest of the run where it never generalised."""
    return of_all(lambda t_gen: max(t_gen - subject.config.weight_decay_start, 0.0), RANKED_T_GEN.of(subject))


LIFE = Series("life time after the switch", _life, ("behaviour.test_accuracy",))


def _against_life(decays: np.ndarray, runs: Sequence[Answers]) -> Number:
    return rank_correlation(decays, np.array([run[LIFE] for run in runs]))


def _noise(noisy: float, kept: float) -> float:
    """ln of the life time with noise over that without."""
    return float(np.log(max(noisy, 1) / max(kept, 1)))


def _rank_falls(_: float, before: float, after: float) -> float:
    """Of a run that collapses: ln of the rank at the end over that when memorised."""
    return float(np.log(after / before))


def _narrowed(arm: str, *, collapsing: bool) -> Statistic:
    """Per seed: the rank at the end over that when memorised. collapsing: of runs whose softmax collapses."""

    def seed(runs: Sequence[Answers]) -> Number:
        run = runs[0]
        if collapsing and isinstance(run[COLLAPSED_AT], Missing):
            return run[COLLAPSED_AT]
        return of_all(over, run[_rank("after")], run[_rank("memorised")])

    return lambda arms: Means(of_seeds({arm: arms[arm]}, seed), geometric=True)


def _rank_kept(arm: str) -> Statistic:
    """Per seed: ln of the rank at the end in an arm over that in float32, where that one collapses."""

    def seed(runs: Sequence[Answers]) -> Number:
        other, collapsed = runs
        if isinstance(collapsed[COLLAPSED_AT], Missing):
            return Missing("the softmax of the other arm does not collapse")
        return of_all(lambda rank: float(np.log(rank / collapsed[_rank("after")])), other[RANK])

    def statistic(arms: Given) -> Sample | Missing:
        return Means(of_seeds({name: arms[name] for name in (f"collapse/{arm}", "collapse/float32")}, seed))

    return statistic


RANK = at("after", "stability.gradient_effective_rank")


SEEN = text(
    "equivariance of the embedding instead of the logits' share: the share and the accuracy are two readings of the "
    "same logits, and agree whatever the weights do",
    "改用嵌入的等变性：logit 份额与准确率读的是同一组 logit，无论权重如何都会一致",
)
# What the two scores are called.
NAMED_ORDER = ("the logits' share of the rule", "logit 规则份额")
NAMED_EMBEDDING = ("equivariance of the embedding", "嵌入等变性")
SHELL = text("The Goldilocks shell is where the manifold can be seen", "Goldilocks 球壳是流形可见的区域")
UNSTABLE = text("Weight decay makes isolated points unstable", "权重衰减让孤立点编码不稳定")
NARROW = text("Collapse narrows the view to one direction", "Softmax 崩溃把视野缩小到一个方向")
RICH = text(
    "Lazy means linear in the inputs; the circle needs the rich regime", "懒惰区的表示是输入的线性函数；圆需要丰富区"
)

REREADINGS: tuple[Prediction, ...] = (
    *(
        Prediction(
            id="reread.goldilocks",
            part=part,
            version=version,
            claim=SHELL,
            arms=("sphere/1",),
            along=("sphere",),
            readings=(score, ACCURACY),
            statistic=_over_spheres(of, kind, score),
            supports=supports,
            refutes=refutes,
            changed=SEEN if version > 1 else None,
            measured=text(
                f"over spheres of several norms: {en} of {name} and test accuracy",
                f"在不同范数的球面上：{name_zh}与测试准确率的{zh}",
            ),
        )
        for version, score, name, name_zh in (
            (1, last(*ORDER), *NAMED_ORDER),
            (2, at("after", "manifold.equivariance", view="embed/tokens"), *NAMED_EMBEDDING),
        )
        for part, of, kind, supports, refutes, en, zh in (
            ("correlation", rank_correlation, CORRELATION, above(0.7), below(0.2), "rank correlation", "秩相关"),
            ("peak", _same_peak, Shares, above(0.8), below(0.5), "the same best norm", "最佳范数一致"),
        )
    ),
    Prediction(
        id="reread.weight_decay",
        part="strength",
        claim=UNSTABLE,
        arms=(BASE,),
        along=("weight_decay_start",),
        readings=(LIFE,),
        statistic=along(
            "weight_decay_start",
            _against_life,
            fewest=3,
            lacking="{} strengths of weight decay switched on; needs 3",
            kind=CORRELATION,
        ),
        supports=below(-0.7),
        refutes=above(-0.2),
        measured=text(
            "by seed: rank correlation of weight decay, switched on after memorisation, with the steps until "
            "generalisation",
            "按种子：记忆之后才开启的权重衰减强度与其后到泛化的步数的秩相关",
        ),
    ),
    per_group(
        _noise,
        RANKED_T_GEN,
        arms=("follow/noise", "follow/keep"),
        id="reread.weight_decay",
        part="noise",
        claim=UNSTABLE,
        supports=below(-0.1),
        refutes=above(-0.05),
        measured=text(
            "by seed: ln of t_gen from memorised weights with noise over that without",
            "按种子：从加噪的记忆权重出发与不加噪出发的 t_gen 之比的对数",
        ),
    ),
    per_seed(
        COLLAPSED_AT,
        _rank("memorised"),
        _rank("after"),
        of=_rank_falls,
        arm="collapse/float32",
        controls=("collapse/weight_decay",),
        id="reread.softmax_collapse",
        part="falls",
        until=2,
        claim=NARROW,
        supports=below(-0.1),
        refutes=above(-0.1),
        measured=text(
            "ln of the effective rank of the samples' gradients at the logits at the end over that when "
            "memorised, float32 without weight decay",
            "logit 处逐样本梯度的有效秩：结束时与记忆期之比的对数（float32、无权重衰减）",
        ),
    ),
    Prediction(
        statistic=_narrowed("collapse/float32", collapsing=True),
        controls={"collapse/weight_decay": _narrowed("collapse/weight_decay", collapsing=False)},
        arms=("collapse/float32",),
        readings=(_rank("memorised"), _rank("after"), COLLAPSED_AT),
        id="reread.softmax_collapse",
        part="falls",
        version=3,
        claim=NARROW,
        supports=below(0.9),
        refutes=above(1),
        changed=text(
            "the control need not collapse to have a value: with weight decay nothing collapses, and it never had one",
            "对照不必先崩溃才有数值：有权重衰减时不会崩溃，原来的对照因此从来没有数值",
        ),
        measured=text(
            "effective rank of the samples' gradients at the logits at the end over that when memorised, float32 "
            "without weight decay, of runs that collapse; the control: with weight decay, whether it collapses or not",
            "logit 处逐样本梯度的有效秩：结束时与记忆期之比（float32、无权重衰减、发生崩溃的训练）；"
            "对照：有权重衰减，无论是否崩溃",
        ),
    ),
    *(
        Prediction(
            statistic=_rank_kept(arm),
            arms=(f"collapse/{arm}", "collapse/float32"),
            readings=(RANK, _rank("after"), COLLAPSED_AT),
            id="reread.softmax_collapse",
            part=f"restored by {arm}",
            claim=NARROW,
            supports=above(0.1),
            refutes=below(0.1),
            measured=text(
                f"ln of that rank at the end with {arm} over that without", f"结束时 {arm} 与对照的该秩之比的对数"
            ),
        )
        for arm in ("weight_decay", "stablemax", "perpendicular")
    ),
    per_seed(
        _linear("memorised"),
        controls=(),
        id="reread.lazy_rich",
        part="lazy",
        claim=RICH,
        supports=above(0.9),
        refutes=NOWHERE,
        measured=text(
            "R² of a linear map from one-hot inputs to the neurons, on test inputs, when memorised",
            "记忆期：从 one-hot 输入到神经元激活的线性映射的 R²（测试输入）",
        ),
    ),
    per_seed(
        _linear("memorised"),
        _linear("after"),
        of=lambda before, after: after - before,
        controls=("random_labels", NO_DECAY),
        id="reread.lazy_rich",
        part="falls",
        claim=RICH,
        supports=below(0),
        refutes=above(0),
        measured=text("the same at the end, less that when memorised", "同一 R²：结束时减记忆期"),
    ),
)
