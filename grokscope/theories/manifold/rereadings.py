"""The hypothesis's readings of the other explanations, each a prediction of its own."""

from collections.abc import Callable, Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE, NO_DECAY
from grokscope.predictions.base import Given, Means, Prediction, Sample, Shares, Statistic
from grokscope.predictions.rows import OfSeed, generalised, last, per_group, per_seed, text, time_or_end
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.series import OFTEN, WINDOW, collapsed_at, half_way, series
from grokscope.predictions.subject import Instrument, Number, Subject
from grokscope.statistics.lead_lag import lag
from grokscope.statistics.regions import NOWHERE, above, below

ORDER = ("manifold.harmonic_share", "split=all")
LOGIT_RANK = Instrument("stability.gradient_effective_rank", {})
LINEAR = Instrument("kernel.linear_representation", {})
# Weights that are not those of the logits: what the embedding shows of the rule.
EQUIVARIANCE = Instrument("manifold.equivariance", {"view": "embed/tokens"})


def _over_spheres(
    of: Callable[[np.ndarray, np.ndarray], Number], kind: type[Means | Shares], score: OfSeed
) -> Statistic:
    """Per seed: something of the manifold's score and the test accuracy over the spheres."""

    def statistic(arms: Given) -> Sample | Missing:
        by_norm = arms.along("sphere")
        if len(by_norm) < 5:  # fewer have no shape: with four, one swap moves the correlation by .2
            return Missing(f"{len(by_norm)} spheres; needs 5: arms sphere/0.5, sphere/1, ...")
        return kind(of_seeds(by_norm, lambda seed: _seed(of, score, seed)))

    return statistic


def _seed(of: Callable[[np.ndarray, np.ndarray], Number], score: OfSeed, subjects: Sequence[Subject]) -> Number:
    pairs = [(score(one), last(one, "behaviour.test_accuracy")) for one in subjects]
    known = [pair for pair in pairs if not any(isinstance(value, Missing) for value in pair)]
    if len(known) < len(pairs):
        return Missing("a sphere has no score")
    return of(*np.array(known, dtype=np.float64).T)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> Number:
    """Spearman's; Missing where one does not vary."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return Missing("one of the two does not vary")
    return float(spearmanr(one, other)[0])  # pyright: ignore[reportArgumentType]


def _same_peak(score: np.ndarray, accuracy: np.ndarray) -> Number:
    """1 if the sphere with the best score is, up to one in the hundred of accuracy, one with the best accuracy."""
    return float(accuracy[int(score.argmax())] >= accuracy.max() - 0.01)


def life_time(subject: Subject) -> float:
    """Steps from the switch to generalisation; twice the rest of the run where it never generalised."""
    return max(time_or_end(subject) - subject.run.config.weight_decay_start, 0.0)


def _life_against_decay(arms: Given) -> Sample | Missing:
    by_decay = arms.along("weight_decay_start")
    if len(by_decay) < 3:
        return Missing(f"{len(by_decay)} strengths of weight decay switched on; needs 3")
    decays = np.array(list(by_decay))
    return Means(of_seeds(by_decay, lambda seed: rank_correlation(decays, np.array([life_time(one) for one in seed]))))


def _noise(subjects: Sequence[Subject]) -> Number:
    """ln of the life time with noise over that without."""
    noisy, kept = (max(time_or_end(one), 1) for one in subjects)
    return float(np.log(noisy / kept))


def _rank_falls(subject: Subject) -> Number:
    if collapsed_at(subject) is None:
        return Missing("the softmax does not collapse")
    before, after = subject.at("memorised", LOGIT_RANK), subject.at("after", LOGIT_RANK)
    if isinstance(before, Missing):
        return before
    # No gradient at all is no direction: the view has closed.
    return float(np.log((0.5 if isinstance(after, Missing) else after) / before))


def _rank_kept(subjects: Sequence[Subject]) -> Number:
    if collapsed_at(subjects[1]) is None:
        return Missing("the softmax of the other arm does not collapse")
    other, collapsed = (one.at("after", LOGIT_RANK) for one in subjects)
    if isinstance(other, Missing):
        return other
    return float(np.log(other / (0.5 if isinstance(collapsed, Missing) else collapsed)))


def _linear_falls(subject: Subject) -> Number:
    before, after = subject.at("memorised", LINEAR), subject.at("after", LINEAR)
    for one in (before, after):
        if isinstance(one, Missing):
            return one
    assert not isinstance(before, Missing)
    assert not isinstance(after, Missing)
    return after - before


def _score_first(score: tuple[str, str], window: int) -> OfSeed:
    """1 if the score has made half of its change before the norm has made half of its own."""

    def of(subject: Subject) -> Number:
        manifold = half_way(subject, *score, window)
        norm = half_way(subject, "weights.norm", "", OFTEN)
        if subject.phases.generalized_at is None:
            return Missing("the run has not generalised")
        if isinstance(manifold, Missing):
            return manifold
        return float(isinstance(norm, Missing) or manifold < norm)  # a norm that never changes comes after

    return of


def _lead_of_score(subject: Subject) -> Number:
    """ln of the step at which the norm has made half of its change over that of the logits' share of the rule."""
    if subject.phases.generalized_at is None:
        return Missing("the run has not generalised")
    found = lag(series(subject, *ORDER), series(subject, "weights.norm"), window=OFTEN)
    return found if isinstance(found, Missing) else found.value


MEAN = text(
    "by how much it leads, as a mean over seeds, instead of in how many: a share of at least four fifths cannot be "
    "told from less with ten seeds",
    "改为平均领先多少，而不是多少个种子领先：十个种子无法判定“至少八成”",
)
SEEN = text(
    "equivariance of the embedding instead of the logits' share: the share and the accuracy are two readings of the "
    "same logits, and agree whatever the weights do",
    "改用嵌入的等变性：logit 份额与准确率读的是同一组 logit，无论权重如何都会一致",
)
SHELL = text("The Goldilocks shell is where the manifold can be seen", "Goldilocks 球壳是流形可见的区域")
UNSTABLE = text("Weight decay makes isolated points unstable", "权重衰减让孤立点编码不稳定")
NARROW = text("Collapse narrows the view to one direction", "Softmax 崩溃把视野缩小到一个方向")
RICH = text(
    "Lazy means linear in the inputs; the circle needs the rich regime", "懒惰区的表示是输入的线性函数；圆需要丰富区"
)
RESULT = text("A small norm is the result of the manifold, not its cause", "小权重是流形发现的结果，不是原因")

REREADINGS: tuple[Prediction, ...] = (
    *(
        Prediction(
            id="reread.goldilocks",
            part=part,
            version=version,
            claim=SHELL,
            arms=("sphere/1",),
            statistic=_over_spheres(of, kind, score),
            supports=supports,
            refutes=refutes,
            changed=SEEN if version > 1 else None,
            measures=(measure, "behaviour.test_accuracy"),
            measured=text(
                f"over spheres of several norms: {en} of {name} and test accuracy",
                f"在不同范数的球面上：{name_zh}与测试准确率的{zh}",
            ),
        )
        for version, score, measure, name, name_zh in (
            (
                1,
                lambda subject: last(subject, *ORDER),
                "manifold.harmonic_share[split=all]",
                "the logits' share of the rule",
                "logit 规则份额",
            ),
            (
                2,
                lambda subject: subject.at("after", EQUIVARIANCE),
                "manifold.equivariance[view=embed/tokens]",
                "equivariance of the embedding",
                "嵌入等变性",
            ),
        )
        for part, of, kind, supports, refutes, en, zh in (
            ("correlation", rank_correlation, Means, above(0.7), below(0.2), "rank correlation", "秩相关"),
            ("peak", _same_peak, Shares, above(0.8), below(0.5), "the same best norm", "最佳范数一致"),
        )
    ),
    Prediction(
        id="reread.weight_decay",
        part="strength",
        claim=UNSTABLE,
        arms=(BASE,),
        statistic=_life_against_decay,
        supports=below(-0.7),
        refutes=above(-0.2),
        measures=("behaviour.test_accuracy",),
        measured=text(
            "by seed: rank correlation of weight decay, switched on after memorisation, with the steps until "
            "generalisation",
            "按种子：记忆之后才开启的权重衰减强度与其后到泛化的步数的秩相关",
        ),
    ),
    per_group(
        _noise,
        arms=("follow/noise", "follow/keep"),
        id="reread.weight_decay",
        part="noise",
        claim=UNSTABLE,
        supports=below(-0.1),
        refutes=above(-0.05),
        measures=("behaviour.test_accuracy",),
        measured=text(
            "by seed: ln of t_gen from memorised weights with noise over that without",
            "按种子：从加噪的记忆权重出发与不加噪出发的 t_gen 之比的对数",
        ),
    ),
    per_seed(
        _rank_falls,
        arm="collapse/float32",
        controls=("collapse/weight_decay",),
        id="reread.softmax_collapse",
        part="falls",
        claim=NARROW,
        supports=below(-0.1),
        refutes=above(-0.1),
        measures=("stability.gradient_effective_rank", "stability.collapse_rate[dtype=float32]"),
        measured=text(
            "ln of the effective rank of the samples' gradients at the logits at the end over that when "
            "memorised, float32 without weight decay",
            "logit 处逐样本梯度的有效秩：结束时与记忆期之比的对数（float32、无权重衰减）",
        ),
    ),
    *(
        per_group(
            _rank_kept,
            arms=(f"collapse/{arm}", "collapse/float32"),
            id="reread.softmax_collapse",
            part=f"restored by {arm}",
            claim=NARROW,
            supports=above(0.1),
            refutes=below(0.1),
            measures=("stability.gradient_effective_rank",),
            measured=text(
                f"ln of that rank at the end with {arm} over that without", f"结束时 {arm} 与对照的该秩之比的对数"
            ),
        )
        for arm in ("weight_decay", "stablemax", "perpendicular")
    ),
    per_seed(
        lambda subject: subject.at("memorised", LINEAR),
        controls=(),
        id="reread.lazy_rich",
        part="lazy",
        claim=RICH,
        supports=above(0.9),
        refutes=NOWHERE,
        measures=("kernel.linear_representation",),
        measured=text(
            "R² of a linear map from one-hot inputs to the neurons, on test inputs, when memorised",
            "记忆期：从 one-hot 输入到神经元激活的线性映射的 R²（测试输入）",
        ),
    ),
    per_seed(
        _linear_falls,
        controls=("random_labels", NO_DECAY),
        id="reread.lazy_rich",
        part="falls",
        claim=RICH,
        supports=below(0),
        refutes=above(0),
        measures=("kernel.linear_representation",),
        measured=text("the same at the end, less that when memorised", "同一 R²：结束时减记忆期"),
    ),
    *(
        per_seed(
            _score_first(score, window),
            share=True,
            controls=(),
            id="reread.weight_efficiency",
            part="order",
            version=version,
            claim=RESULT,
            changed=SEEN if version > 1 else None,
            measures=(f"{score[0]}[{score[1]}]", "weights.norm"),
            series=(score[0],),
            measured=text(f"{en} has made half of its change before the norm has", f"{zh}先于权重范数完成一半变化"),
        )
        for version, score, window, en, zh in (
            (1, ORDER, OFTEN, "the logits' share of the rule", "logit 规则份额"),
            (2, ("manifold.equivariance", "view=embed/tokens"), WINDOW, "equivariance of the embedding", "嵌入等变性"),
        )
    ),
    per_seed(
        _lead_of_score,
        controls=(),
        id="reread.weight_efficiency",
        part="lead",
        version=2,
        claim=RESULT,
        supports=above(0),
        refutes=below(0),
        changed=MEAN,
        measures=("manifold.harmonic_share[split=all]", "weights.norm"),
        measured=text(
            "ln of the step at which the norm has made half of its change over that of the logits' share of the rule",
            "权重范数与 logit 规则份额各完成一半变化的步数之比的对数",
        ),
    ),
    per_seed(
        generalised,
        arm="follow/norm",
        share=True,
        controls=(),
        id="reread.weight_efficiency",
        part="norm alone",
        claim=RESULT,
        supports=below(0.5),
        refutes=above(0.5),
        measures=("behaviour.test_accuracy",),
        measured=text(
            "share that generalises from memorised weights scaled to the final norm and kept there, without "
            "weight decay",
            "把记忆权重缩放到最终范数并固定、且无权重衰减时泛化的占比",
        ),
    ),
    *(
        per_seed(
            generalised,
            arm=f"follow/circle/{scale}",
            share=True,
            controls=(),
            id="reread.weight_efficiency",
            part=f"circle at {scale}",
            claim=RESULT,
            measures=("behaviour.test_accuracy",),
            measured=text(
                f"share that generalises with the embedding put on circles and the norm times {scale}",
                f"嵌入置于圆上、范数乘以 {scale} 时泛化的占比",
            ),
        )
        for scale in ("0.5", "1", "2")
    ),
)
