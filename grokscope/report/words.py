"""All text of the report in English and Chinese; the names and definitions of its numbers are in `quantities.py`.

Placeholders are str.format's, the same in both languages; a test keeps them so.
"""

from typing import Any, Literal

from grokscope.report.quantities import QUANTITIES

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
    "axis.gini": {"en": "Gini coefficient", "zh": "基尼系数"},
    "split.train": {"en": "train", "zh": "训练"},
    "split.test": {"en": "test, all", "zh": "测试（全部）"},
    "split.twin": {"en": "test, twins", "zh": "测试（对称）"},
    "split.fresh": {"en": "test, fresh", "zh": "测试（全新）"},
    "series.all_weights": {"en": "all weights", "zh": "全部权重"},
    "series.uniform": {"en": "uniform attention", "zh": "均匀注意力"},
    "series.head": {"en": "head {head}", "zh": "注意力头 {head}"},
    "series.restricted": {"en": "restricted", "zh": "限制损失"},
    "series.excluded": {"en": "excluded (train)", "zh": "排除损失（训练）"},
    "series.embedding": {"en": "embedding W_E", "zh": "嵌入 W_E"},
    "series.neuron_logit": {"en": "neuron-logit map W_L", "zh": "神经元到 logit 的映射 W_L"},
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
    "missing.no_key_frequency": {
        "en": "Not shown: the last checkpoint has no key frequency.",
        "zh": "未显示：最后一个检查点没有关键频率。",
    },
}

FIGURES: dict[str, dict[Lang, str]] = {
    "figure.grokking_curve": {"en": "The grokking curve", "zh": "grokking 曲线"},
    "caption.grokking_curve": {
        "en": "Above, the share of right answers; below, the mean loss, on four sets of inputs: train (blue), all "
        "test inputs, none of which was trained on (orange), and the two parts of the test set. Twins (pink, dotted) "
        "are pairs (a, b) whose mirror image (b, a) was trained on, so that knowing a + b = b + a is enough; fresh "
        "inputs (green, dashed) have no such help and show whether the rule itself was found. The step axis is "
        "logarithmic: equal distances are equal factors.",
        "zh": "上图是答对的比例，下图是平均损失，各画四组输入：训练集（蓝）、全部测试输入（橙，均未训练过），以及测试"
        "集的两个部分。对称输入（粉，点线）是指镜像 (b, a) 已在训练集中的 (a, b)，只要知道 a + b = b + a 就能答对；全"
        "新输入（绿，虚线）没有这条捷径，只有它能说明网络是否真正学到了规律。横轴取对数：相等的距离代表相等的倍数。",
    },
    "figure.weight_norm": {"en": "The size of the weights", "zh": "权重的大小"},
    "caption.weight_norm": {
        "en": "The root of the sum of all squared weights (thick grey), and the same for each weight tensor by its "
        "name (thin, coloured as in the legend; click a name to hide or show it). W_E embeds the symbols, W_Q, W_K, "
        "W_V and W_O are the attention's, W_in and W_out the MLP's, W_U gives the logits. Weight decay pulls all of "
        "them towards 0; a fall during the transition means that the solution found needs less weight than the "
        "memorised one.",
        "zh": "粗灰线是全部权重平方和的平方根，细线是每个权重张量各自的范数（颜色见图例，点击名称可隐藏或显示）。W_E "
        "是符号的嵌入，W_Q、W_K、W_V、W_O 属于注意力，W_in、W_out 属于 MLP，W_U 输出 logit。权重衰减不断把它们拉向 0"
        "；如果在转变期下降，说明新找到的解法比死记硬背更省权重。",
    },
    "figure.attention_entropy": {"en": "How widely the attention looks", "zh": "注意力的分散程度"},
    "caption.attention_entropy": {
        "en": "For each attention head (one colour each), how evenly the last position divides its attention over "
        "the positions it can see, averaged over all inputs: entropy divided by its largest possible value. 1 "
        "(dashed grey) is perfectly uniform attention, 0 is all attention on one position.",
        "zh": "每个注意力头（一头一色）在最后一个位置上把注意力分给各位置的均匀程度，对全部输入取平均：熵除以其最大可"
        "能值。1（灰色虚线）表示完全均匀，0 表示只看一个位置。",
    },
    "figure.spectrum": {"en": "Frequencies in the embedding", "zh": "嵌入矩阵的频谱"},
    "caption.spectrum": {
        "en": "The embedding as a function of the residue a is a sum of waves cos(2πka/p) and sin(2πka/p). Each row "
        "is one frequency k, each column one checkpoint, and the colour the size of that wave: dark violet is "
        "nothing, yellow the most. A generalising network keeps few rows and lets the others fade. Triangles mark "
        "the key frequencies of the last checkpoint, those that the MLP writes to the answers. Step 0 is left out, "
        "as the axis is logarithmic.",
        "zh": "把嵌入看作余数 a 的函数，它是若干波 cos(2πka/p) 与 sin(2πka/p) 之和。每一行是一个频率 k，每一列是一个"
        "检查点，颜色表示该波的大小：深紫为零，黄色最大。泛化的网络只留下少数几行，其余逐渐消失。三角标出最后一个检查"
        "点的关键频率，即 MLP 真正写到答案上的那些。对数轴上没有第 0 步的位置，故略去。",
    },
    "figure.progress_losses": {"en": "Restricted and excluded loss", "zh": "限制损失与排除损失"},
    "caption.progress_losses": {
        "en": "Two losses that look behind the curve, beside train (blue) and test loss (orange). Restricted loss "
        "(green) keeps only the part of the logits that runs along the key frequencies: when it falls, the rule is "
        "already there, even if memorised noise still hides it. Excluded loss (yellow) takes that part away, on "
        "training inputs: when it rises, the network has come to rely on the rule and lets go of what it had "
        "memorised. Dots are checkpoints.",
        "zh": "两种能看到曲线背后的损失，与训练损失（蓝）、测试损失（橙）并列。限制损失（绿）只保留 logit 中沿关键频"
        "率的成分：它下降，说明规律已经成形，只是还被记忆下来的噪声掩盖。排除损失（黄）在训练输入上恰好去掉这一成分："
        "它上升，说明网络已转而依靠规律，放弃了死记的内容。圆点为检查点。",
    },
    "figure.planes": {"en": "Do the numbers form circles?", "zh": "数字排成圆了吗？"},
    "caption.planes": {
        "en": "Each square is the plane of one key frequency k, seen at the checkpoint chosen below; each dot is a "
        "residue a, namely its row of the embedding projected onto that plane. The colour is a·k mod p once around "
        "the colour wheel, and the grey line joins the residues in that order: a clean ring with the colours in "
        "order means that the network has placed the numbers on a circle on which adding is turning. The planes are "
        "those of the last checkpoint at every step and all squares have the same scale. They are fitted to the "
        "weights, so even unstructured weights give a ragged ring at the last step; they do not give a clean one.",
        "zh": "每个方格是一个关键频率 k 所在的平面，显示下方滑块所选的检查点；每个点是一个余数 a，即它的嵌入向量在该"
        "平面上的投影。颜色表示 a·k mod p，沿色环走一圈，灰线按同样的顺序连接各余数：如果成为颜色依次排列的整齐圆环，"
        "就说明网络把数放到了圆上，加法变成了旋转。所有步数都用最后一个检查点的平面，各方格比例相同。平面是由权重拟合"
        "出来的，所以即使权重毫无结构，最后一步也会出现毛糙的环，但不会是整齐的环。",
    },
    "figure.gini": {"en": "How few frequencies carry it", "zh": "频率的稀疏程度"},
    "caption.gini": {
        "en": "The Gini coefficient, known from incomes, of the sizes of all waves in the embedding (blue) and in "
        "the map from MLP neurons to logits (orange): 0 if all frequencies are equally strong, near 1 if a few have "
        "everything. A jump shows the network clearing away all but its key frequencies.",
        "zh": "基尼系数（常用于衡量收入差距）在这里衡量各频率分量的大小：嵌入（蓝）与 MLP 神经元到 logit 的映射（橙）"
        "。所有频率一样强时为 0，少数频率独占时接近 1。突然上升表示网络正在清除关键频率以外的成分。",
    },
}

SUMMARY: dict[str, dict[Lang, str]] = {
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

WORDS: dict[str, dict[Lang, str]] = PAGE | FIGURES | SUMMARY | QUANTITIES


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
