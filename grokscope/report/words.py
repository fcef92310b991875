"""All text of the report in English and Chinese.

Names and definitions of its numbers are in `quantities.py`, titles and captions of its figures in `captions.py`,
all words of the circuit's figures in `captions_circuit.py`.
Placeholders are str.format's, the same in both languages; a test keeps them so.
"""

from typing import Any, Literal

from grokscope.report.captions import FIGURES
from grokscope.report.captions_circuit import CIRCUIT
from grokscope.report.quantities import QUANTITIES
from grokscope.report.words_efficiency import EFFICIENCY

Lang = Literal["en", "zh"]
LANGUAGES: tuple[Lang, ...] = ("en", "zh")

PAGE: dict[str, dict[Lang, str]] = {
    "title": {"en": "Run {run}: {task}", "zh": "训练记录 {run}：{task}"},
    "task.modular_addition": {"en": "modular addition", "zh": "模加法"},
    "made_by": {"en": "grokscope report", "zh": "grokscope 报告"},
    "what_is_grokking": {
        "en": "Grokking is sudden, late generalisation: a network first learns its training examples by heart, "
        "answers new ones wrongly for a long time although its training loss is already near zero, and then, within "
        "few steps, gets them right.",
        "zh": "grokking（顿悟）指迟来而突然的泛化：网络先把训练样本背了下来，此后很长一段时间里训练损失已接近零，面对"
        "没见过的样本却总是答错；然后在很短的步数内突然答对。",
    },
    "noscript": {
        "en": "The figures need JavaScript; the text and the table do not.",
        "zh": "图表需要启用 JavaScript；文字和表格不需要。",
    },
    "numbers": {"en": "The numbers", "zh": "数值一览"},
    "provenance": {"en": "How this was made", "zh": "来源与复现"},
    "no_phase": {
        "en": "No phase is complete in this run, so nothing is shaded.",
        "zh": "这次训练没有任何完整的阶段，因此图中没有底色。",
    },
    "shaded": {"en": "Shaded:", "zh": "底色："},
    "phase_steps": {"en": "{phase}, steps {start} to {end}", "zh": "{phase}：第 {start}–{end} 步"},
    "phase.memorized": {"en": "memorised", "zh": "记忆期"},
    "phase.transition": {"en": "transition", "zh": "转变期"},
    "phase.after": {"en": "after", "zh": "泛化期"},
    "phases_note": {
        "en": "The phases: memorised runs from the step at which train accuracy stays at {train} or more to the step "
        "of the largest test loss before generalisation; transition is the time in which accuracy on {inputs} rises "
        "from 10% to 90%; after begins where accuracy on all test inputs stays at {test} or more. To stay means for "
        "{stable} evaluations in a row.",
        "zh": "阶段的划分：记忆期从训练准确率稳定达到 {train} 起，到泛化之前测试损失最大的那一步为止；转变期是"
        "{inputs}的准确率从 10% 升到 90% 的区间；泛化期从全部测试输入的准确率稳定达到 {test} 起。所谓稳定，指连续 "
        "{stable} 次评估都满足。",
    },
    "inputs.fresh": {"en": "fresh inputs", "zh": "全新输入"},
    "inputs.test": {"en": "test inputs", "zh": "测试输入"},
    "axis.step": {"en": "training step", "zh": "训练步数"},
    "axis.accuracy": {"en": "accuracy", "zh": "准确率"},
    "axis.loss": {"en": "loss [nats]", "zh": "损失 [nat]"},
    "axis.squared_error": {"en": "loss (mean squared error)", "zh": "损失（均方误差）"},
    "axis.norm": {"en": "2-norm", "zh": "2-范数"},
    "axis.entropy": {"en": "entropy / log(keys)", "zh": "归一化熵"},
    "axis.frequency": {"en": "frequency k", "zh": "频率 k"},
    "axis.component": {"en": "norm of the component", "zh": "该频率分量的范数"},
    "axis.not_generalised": {"en": "runs not yet generalised", "zh": "尚未泛化的训练占比"},
    "series.rank": {"en": "rank {rank}", "zh": "秩 {rank}"},
    "series.no_bottleneck": {"en": "no bottleneck", "zh": "无瓶颈"},
    "axis.dimension": {"en": "dimension", "zh": "维数"},
    "axis.swap_distance": {"en": "swap distance", "zh": "交换距离"},
    "axis.coherence": {"en": "coherence", "zh": "相位一致度"},
    "axis.circles": {"en": "circles", "zh": "圆的个数"},
    "axis.equivariance": {"en": "equivariance R²", "zh": "等变性 R²"},
    "axis.share": {"en": "share", "zh": "占比"},
    "axis.ratio": {"en": "death / birth", "zh": "消失 / 出现"},
    "axis.birth": {"en": "birth ({table})", "zh": "出现（{table}）"},
    "axis.death": {"en": "death", "zh": "消失"},
    "axis.inputs": {"en": "inputs ({n} of {total})", "zh": "输入（{total} 个中的 {n} 个）"},
    "axis.means": {"en": "means by answer c", "zh": "各答案 c 的均值"},
    "axis.means_joined": {
        "en": "means by answer c, in the order of {k}c mod {p}",
        "zh": "各答案 c 的均值，按 {k}c mod {p} 相连",
    },
    "axis.gini": {"en": "Gini coefficient", "zh": "基尼系数"},
    "split.train": {"en": "train", "zh": "训练"},
    "split.test": {"en": "test, all", "zh": "测试（全部）"},
    "split.twin": {"en": "test, twins", "zh": "测试（对称）"},
    "split.fresh": {"en": "test, fresh", "zh": "测试（全新）"},
    "series.all_weights": {"en": "all weights", "zh": "全部权重"},
    "series.uniform": {"en": "uniform attention", "zh": "均匀注意力"},
    "series.head": {"en": "head {head}", "zh": "注意力头 {head}"},
    "series.heads_mean": {"en": "mean of all heads", "zh": "各头平均"},
    "series.levels": {
        "en": "levels: high {rise} low, high {fall} mid, mid {rest} low",
        "zh": "三个水平：高 {rise} 低，高 {fall} 中，中 {rest} 低",
    },
    "level.low": {"en": "low", "zh": "低"},
    "level.high": {"en": "high", "zh": "高"},
    "level.mid": {"en": "mid", "zh": "中"},
    "series.class_means": {"en": "class means", "zh": "类均值"},
    "series.dimension": {"en": "intrinsic", "zh": "内蕴维数"},
    "series.gride": {"en": "at one scale", "zh": "单一尺度"},
    "series.gride_embedding": {"en": "embedding, at one scale", "zh": "嵌入，单一尺度"},
    "series.dimension_naive": {"en": "intrinsic, naive", "zh": "内蕴维数（不加处理）"},
    "series.linear": {"en": "linear", "zh": "线性维数"},
    "series.linear_embedding": {"en": "linear, embedding W_E", "zh": "线性维数（嵌入 W_E）"},
    "series.n_train": {"en": "training inputs: {n}", "zh": "训练样本数：{n}"},
    "series.truth": {"en": "the task's own: {n}", "zh": "任务本身的维数：{n}"},
    "series.swap_distance": {"en": "f(a, b) to f(b, a)", "zh": "f(a, b) 到 f(b, a)"},
    "series.chance": {"en": "by chance", "zh": "随机水平"},
    "series.harmonic_all": {"en": "by the rule, all", "zh": "符合规律的占比（全部）"},
    "series.harmonic_test": {"en": "by the rule, test", "zh": "符合规律的占比（测试）"},
    "series.test_accuracy": {"en": "test accuracy", "zh": "测试准确率"},
    "series.no_loop": {"en": "no loop", "zh": "没有环"},
    "series.loops_null": {"en": "loops of surrogates", "zh": "替代数据的环"},
    "series.loops": {"en": "loops within chance", "zh": "不显著的环"},
    "series.loops_significant": {"en": "loops beyond chance", "zh": "显著的环"},
    "series.threshold": {"en": "5% level", "zh": "5% 显著线"},
    "series.diagonal": {"en": "death = birth", "zh": "消失 = 出现"},
    "series.restricted": {"en": "restricted", "zh": "限制损失"},
    "series.excluded": {"en": "excluded (train)", "zh": "排除损失（训练）"},
    "learning.comprehension": {"en": "comprehension", "zh": "理解"},
    "learning.grokking": {"en": "grokking", "zh": "顿悟（grokking）"},
    "learning.memorisation": {"en": "memorisation", "zh": "记忆"},
    "learning.confusion": {"en": "confusion", "zh": "混乱"},
    "learning.share": {"en": " ({n} of {total} runs)", "zh": "（{total} 次训练中的 {n} 次）"},
    "learning.train": {"en": "train: step {step}", "zh": "训练：第 {step} 步"},
    "learning.test": {"en": "test: step {step}", "zh": "测试：第 {step} 步"},
    "learning.no_train": {"en": "train: never reached", "zh": "训练：从未达到"},
    "learning.no_test": {"en": "test: never reached", "zh": "测试：从未达到"},
    "border.memorization": {"en": "memorisation ends: {step}", "zh": "记忆结束：{step}"},
    "border.formation": {"en": "circuit formed: {step}", "zh": "回路成形：{step}"},
    "border.cleanup": {"en": "cleanup ends: {step}", "zh": "清理结束：{step}"},
    "series.embedding": {"en": "embedding W_E", "zh": "嵌入 W_E"},
    "series.neuron_logit": {"en": "neuron-logit map W_L", "zh": "神经元到 logit 的映射 W_L"},
    "axis.norm_kept": {"en": "norm of all weights, kept while training", "zh": "训练中保持不变的权重范数"},
    "axis.norm_initial": {"en": "initial norm of all weights w₀", "zh": "全部权重的初始范数 w₀"},
    "axis.t_gen": {"en": "steps to generalise", "zh": "泛化所需步数"},
    "axis.along": {"en": "along {direction} [|w|]", "zh": "沿{direction} [|w|]"},
    "direction.weights": {"en": "the weights", "zh": "权重方向"},
    "direction.hessian": {"en": "Hessian eigenvector {rank}", "zh": " Hessian 第 {rank} 特征向量"},
    "direction.random": {"en": "a random direction", "zh": "随机方向"},
    "direction.given": {"en": "a given direction", "zh": "给定方向"},
    "series.shell": {"en": "Goldilocks shell, {low} to {high}", "zh": "Goldilocks 壳层，{low} 到 {high}"},
    "series.parabola": {"en": "curvature {curvature} at the centre (train)", "zh": "中心处曲率 {curvature}（训练）"},
    "series.generalised": {"en": "runs", "zh": "各次训练"},
    "series.censored": {"en": "runs that did not generalise, at their last step", "zh": "未泛化的训练，标在其最后一步"},
    "series.law": {"en": "fit: {slope} ln(w₀ / {norm}), R² = {r}", "zh": "拟合：{slope} ln(w₀ / {norm})，R² = {r}"},
    "series.law_predicted": {"en": "predicted slope 1 / (ηγ) = {slope}", "zh": "预测斜率 1 / (ηγ) = {slope}"},
    "slider.step": {"en": "step ", "zh": "步数 "},
    "slider.play": {"en": "▶ play", "zh": "▶ 播放"},
    "missing.no_evaluation": {
        "en": "Not shown: the run has no evaluation after step 0 yet.",
        "zh": "未显示：第 0 步之后还没有任何评估。",
    },
    "missing.no_checkpoint": {
        "en": "Not shown: the run has kept no checkpoint yet.",
        "zh": "未显示：还没有保存任何检查点。",
    },
    "missing.not_measured": {
        "en": "Not shown: its checkpoints have not been measured; `grokscope measure {run}` does that.",
        "zh": "未显示：检查点尚未测量；运行 `grokscope measure {run}` 即可补上。",
    },
    "missing.no_attention": {
        "en": "Not shown: the network has no attention pattern.",
        "zh": "未显示：该网络没有注意力模式。",
    },
    "missing.no_embedding": {
        "en": "Not shown: the network has no embedding W_E.",
        "zh": "未显示：该网络没有嵌入矩阵 W_E。",
    },
    "missing.random_labels": {
        "en": "Not shown: the labels are random, so there is no rule and no frequency that could express one.",
        "zh": "未显示：标签是随机的，既没有规律可学，也就没有表达规律的频率。",
    },
    "missing.not_cyclic": {
        "en": "Not shown: the task's answers do not form a cyclic group, so they have no Fourier frequencies.",
        "zh": "未显示：该任务的答案不构成循环群，无从谈傅里叶频率。",
    },
    "missing.no_group": {
        "en": "Not shown: the task's answers do not form a group, so there is no symmetry to look for.",
        "zh": "未显示：该任务的答案不构成群，没有可供检验的对称性。",
    },
    "missing.no_classes": {
        "en": "Not shown: the task has no classes, so there is no answer to colour points by.",
        "zh": "未显示：该任务没有类别，无法按答案给点着色。",
    },
    "missing.no_stream": {
        "en": "Not shown: the network has no residual stream between attention and MLP.",
        "zh": "未显示：该网络没有位于注意力与 MLP 之间的残差流。",
    },
    "missing.no_table": {
        "en": "Not shown: the network has neither an embedding nor class means of enough points.",
        "zh": "未显示：该网络的嵌入或类均值不存在，或点数太少。",
    },
    "missing.no_key_frequency": {
        "en": "Not shown: the last checkpoint has no key frequency.",
        "zh": "未显示：最后一个检查点没有关键频率。",
    },
}

SUMMARY: dict[str, dict[Lang, str]] = {
    "summary.imported": {
        "en": "These weights were imported from {file}; how they were trained is not known here.",
        "zh": "这组权重从 {file} 导入；训练过程不详。",
    },
    "summary.imported_answers": {
        "en": "These weights were imported from {file}; they answer {accuracy} of the inputs that count as trained on "
        "correctly. How they were trained is not known here.",
        "zh": "这组权重从 {file} 导入，在算作训练集的输入上答对 {accuracy}；训练过程不详。",
    },
    "summary.nothing": {"en": "Nothing has been evaluated in this run yet.", "zh": "这次训练还没有任何评估结果。"},
    "summary.grokked": {
        "en": "The network had memorised its training data by step {mem}, yet it took until step {gen}, {ratio} "
        "times as long, to get {threshold} of the inputs it had never seen right.",
        "zh": "网络在第 {mem} 步就已记住训练数据，却直到第 {gen} 步（约 {ratio} 倍的时间）才能答对 {threshold} 没见过"
        "的输入。",
    },
    "summary.short_delay": {
        "en": "The network had memorised its training data by step {mem} and generalised by step {gen}, {delay} "
        "steps later. That is too little delay to be called grokking here: it would take at least {ratio} times the "
        "memorisation step, and {gap} steps more than it.",
        "zh": "网络在第 {mem} 步记住训练数据，在第 {gen} 步泛化，相隔 {delay} 步。按本报告的标准，这样的延迟还不算 "
        "grokking：泛化步数须不小于记忆步数的 {ratio} 倍，且至少晚 {gap} 步。",
    },
    "summary.no_delay": {
        "en": "The network generalised by step {gen}, no later than it had memorised its training data (step {mem}): "
        "it learned the rule at once, and there was no grokking.",
        "zh": "网络在第 {gen} 步就已泛化，并不晚于记住训练数据（第 {mem} 步）：它直接学到了规律，没有出现 grokking。",
    },
    "summary.generalised_only": {
        "en": "The network generalised by step {gen} without ever having all but perfect accuracy on its training "
        "data, so there is no delay to speak of and no grokking.",
        "zh": "网络在第 {gen} 步泛化，而训练准确率从未稳定达到记忆标准，因此谈不上延迟，也没有 grokking。",
    },
    "summary.memorised_only": {
        "en": "The network had memorised its training data by step {mem}, but has not generalised by step {last}: of "
        "the {inputs} it answers {accuracy} correctly.",
        "zh": "网络在第 {mem} 步就已记住训练数据，但到第 {last} 步仍未泛化：{inputs}只答对 {accuracy}。",
    },
    "summary.nothing_learned": {
        "en": "By step {last} the network has not memorised its training data: it answers {train} of it correctly, "
        "and {accuracy} of the {inputs}.",
        "zh": "到第 {last} 步，网络还没有记住训练数据：训练集答对 {train}，{inputs}答对 {accuracy}。",
    },
    "summary.losses_only": {
        "en": "By step {last} the loss is {train} on the training inputs and {test} on inputs it was not trained on; "
        "at step 0 it was {train_0} and {test_0}. In this task no answer counts as right or wrong.",
        "zh": "到第 {last} 步，训练输入上的损失为 {train}，未训练过的输入上为 {test}；"
        "第 0 步时分别为 {train_0} 和 {test_0}。"
        "这个任务的答案不分对错。",
    },
    "summary.random_labels": {
        "en": "The labels of this run are random: they can only be memorised, and guessing right on new inputs has a "
        "chance of {chance}. It is a control, not a failure.",
        "zh": "这次训练的标签是随机的：只能死记，对新输入猜对的概率是 {chance}。它是对照实验，不是失败。",
    },
    "summary.between": {
        "en": "In between, at step {on}, where its test loss was largest, it answered {train} of the training inputs "
        "correctly but only {accuracy} of the {inputs}.",
        "zh": "其间在测试损失最大的第 {on} 步，它答对了 {train} 的训练输入，{inputs}却只答对 {accuracy}。",
    },
    "summary.keys": {
        "en": "At the last checkpoint it works with {n} of {total} frequencies: k = {keys}.",
        "zh": "在最后一个检查点，它只用 {total} 个频率中的 {n} 个：k = {keys}。",
    },
    "summary.keys_losses": {
        "en": "With these alone its loss over all inputs would be {restricted} nats; without them, {excluded} on its "
        "own training data instead of {train}.",
        "zh": "只用这些频率，全部输入上的损失为 {restricted} nat；去掉它们，训练数据上的损失会从 {train} 变为 "
        "{excluded} nat。",
    },
    "summary.keys_flat": {
        "en": "No frequency stands out: {n} of {total} pass the threshold for key frequencies.",
        "zh": "没有突出的频率：{total} 个频率中有 {n} 个都超过关键频率的门槛。",
    },
    "summary.norm": {
        "en": "From memorisation to the last step the norm of its weights went from {before} to {after}.",
        "zh": "从记住训练数据到最后一步，权重范数由 {before} 变为 {after}。",
    },
    "summary.running": {
        "en": "Training was still going on when this was written: step {step} of at most {most}.",
        "zh": "生成本报告时训练仍在进行：第 {step} 步，最多 {most} 步。",
    },
    "summary.stopped": {
        "en": "Training was interrupted at step {step} of at most {most}; --resume goes on.",
        "zh": "训练在第 {step} 步中断（最多 {most} 步），可用 --resume 继续。",
    },
    "summary.failed": {
        "en": "Training failed at step {step} of at most {most}; --resume goes on once the cause is removed.",
        "zh": "训练在第 {step} 步出错停止（最多 {most} 步），排除原因后可用 --resume 继续。",
    },
    "summary.non_finite": {
        "en": "Its loss ceased to be a finite number at step {step}, which ended the run.",
        "zh": "第 {step} 步起损失不再是有限数，训练因此结束。",
    },
}

WORDS: dict[str, dict[Lang, str]] = PAGE | FIGURES | CIRCUIT | SUMMARY | QUANTITIES | EFFICIENCY


def say(key: str, lang: Lang, **values: Any) -> str:
    """The text of an id in a language, its placeholders filled."""
    return WORDS[key][lang].format(**values)


def count(number: int) -> str:
    """A whole number with commas between thousands."""
    return f"{number:,}"


def percent(share: float) -> str:
    """A share in per cent; only 1 itself is 100%, and only 0 itself is 0%."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def number(value: float) -> str:
    """Three digits that count, in powers of ten where it is small."""
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}".replace("e-0", "e-")
