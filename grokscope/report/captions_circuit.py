"""All words of the circuit's figures in English and Chinese: titles, captions, axes, verdicts, reasons.

A caption says what is plotted and how to read it; for what is held as evidence also what is none.
"""

from typing import Literal

CIRCUIT: dict[str, dict[Literal["en", "zh"], str]] = {
    "figure.spectra": {"en": "The same frequencies from end to end?", "zh": "从头到尾是同一组频率吗？"},
    "caption.spectra": {
        "en": "How strong each frequency k is at four places, in the order in which the network passes them: in the "
        "embedding; in the neurons of the MLP; in the map from them to the logits; and in the logits, of which only "
        "that part counts which depends on a + b (in subtraction a − b). Every row is divided by its largest value. "
        "Bars are the last checkpoint, the dotted blue line is the first one. Orange are the key frequencies, which "
        "are read off the third row: that they are tall there is no finding. Evidence of one circuit through the "
        "whole network is that the same few stand out in the other rows as well, the neurons and the logits above "
        "all, with almost nothing in between. Spikes in one row alone are no evidence.",
        "zh": "各频率 k 在网络四处的强弱，按计算经过的先后排列：嵌入；MLP 的神经元；神经元到 logit 的映射；logit（只"
        "算其中随 a + b 变化的部分，减法任务则为 a − b）。每一行都除以本行的最大值。柱形是最后一个检查点，蓝色点线是"
        "第一个。橙色是关键频率，它们就是从第三行选出来的，所以在那一行突出不足为奇。如果同样这几个频率在其余各行也"
        "突出（尤其是神经元和 logit），而其他频率几乎为零，才说明有一条回路贯穿整个网络。只有一行出现尖峰，不算证据"
        "。",
    },
    "figure.neurons": {"en": "Does each neuron tune in to one frequency?", "zh": "每个神经元只用一个频率吗？"},
    "caption.neurons": {
        "en": "A neuron of the MLP is a function of the two numbers a and b. Each dot of the upper panel is a neuron, "
        "and its height is the frequency k that explains most of it; the lower panel shows how much, as a share of "
        "the neuron's variance over all inputs (all waves of that frequency in a, in b and in both, 8 of them). "
        "Orange are the neurons of which one frequency explains more than 85%. Neurons keep their places at all "
        "steps: they stand in the order of their frequencies at the last checkpoint, those tuned to none on the "
        "right. That the dots rise in order there is no finding, as they were sorted that way. What counts is that "
        "the stairs are few and that the neurons on them are near 100%; the null is the untrained network at the "
        "slider's first step.",
        "zh": "MLP 的每个神经元都是两个数 a、b 的函数。上图一点代表一个神经元，高度是最能解释它的频率 k；下图是解释了"
        "多少，即在全部输入上占该神经元方差的比例（该频率关于 a、关于 b 以及两者乘积的波，共 8 个）。橙色表示单一频率"
        "就能解释 85% 以上。神经元在各步的位置不变，按最后一个检查点的频率排列，没有对准任何频率的排在右边。最后一步"
        "呈阶梯状并不说明什么，因为本来就是这样排序的；要看的是台阶是否只有寥寥几级，台阶上的神经元是否接近 100%。滑"
        "块的起点是未经训练的网络，用作对照。",
    },
    "figure.logits": {"en": "One answer over all inputs", "zh": "同一个答案，在全部输入上"},
    "caption.logits": {
        "en": "The logit that the network gives to the answer 0, less the mean over all answers, for every input: a "
        "to the right, b upwards. Each panel has a scale of its own, from its lowest value (dark) to its highest "
        "(yellow); both stand below it. Memory looks like speckle: bright dots where a trained input has the answer "
        "0, and no pattern in between. The rule looks like unbroken stripes along which a + b (in subtraction a − b) "
        "stays the same, for then the logit depends on the right answer alone. Evidence is that these stripes run "
        "through all inputs, trained or not; dots along one line are none. Upright and level bars mean that the "
        "logit depends on one of the two numbers, as it does before training.",
        "zh": "网络给答案 0 的 logit（减去对所有答案的平均），每个输入一格：a 向右，b 向上。各图各用自己的色标，从最"
        "低值（深色）到最高值（黄色），两者写在图下。死记硬背呈散点状：答案为 0 的训练输入是亮点，其余地方没有规律。"
        "学到规律则呈连续的斜条纹，同一条上 a + b（减法任务为 a − b）相同，因为这时 logit 只取决于正确答案。条纹贯穿"
        "全部输入（无论是否训练过）才是证据；一条线上的零星亮点不算。横条和竖条表示 logit 只取决于其中一个数，训练之"
        "前正是如此。",
    },
    "figure.clock_pizza": {"en": "Clock or pizza?", "zh": "“时钟”还是“披萨”？"},
    "caption.clock_pizza": {
        "en": "There are two published ways to add on a circle. The clock turns the point of a further by b, which "
        "takes products of their waves; the pizza takes the middle between the two points, which for some "
        "differences a − b says little. Two numbers tell them apart. Upwards, stretched near 1: gradient "
        "symmetricity, whether a logit reacts alike to the embeddings of a and of b (near 1 in a pizza). To the "
        "right: distance irrelevance, how little the logit of the right answer varies with a − b (high in a clock). "
        "Dashed lines are the published thresholds. The blue line is this run, from its first checkpoint (open) to "
        "its last (filled). Diamonds are published networks: at the top Model A, a wide one and the median of those "
        "with the least attention, to the right the median of those with the most. For these medians the second "
        "number was taken from the largest wrong logit, not from the right one as defined; the open light blue "
        "circle is the run's last checkpoint by that reckoning. Only a checkpoint that has generalised has an "
        "algorithm: where the others lie is no evidence of one.",
        "zh": "在圆上做加法，文献中有两种做法。“时钟”把 a 对应的点再转过 b 的角度，需要两列波的乘积；“披萨”取两点的中"
        "点，遇到某些差 a − b 时几乎得不到信息。区分两者靠两个量。纵轴（靠近 1 处拉开）是梯度对称度：logit 对 a 与 b "
        "的嵌入反应是否相同，披萨接近 1。横轴是距离无关度：正确答案的 logit 有多不受 a − b 影响，时钟较高。虚线是文献"
        "给出的阈值。蓝线是本次训练，从第一个检查点（空心）到最后一个（实心）。菱形是文献中的网络：上方为模型 A、一个"
        "宽网络，以及注意力最弱的一组的中位数；右侧为注意力最强的一组的中位数。这两个中位数的横坐标，文献实际用的是错"
        "误答案中最大的 logit，与其定义（正确答案）不符；浅蓝空心圆是本次训练最后一个检查点按这种算法的位置。只有已"
        "经泛化的检查点才谈得上用了哪种算法，其余各点落在哪里都不算证据。",
    },
    "axis.neurons": {"en": "neurons, sorted at the last step", "zh": "神经元（按最后一步排序）"},
    "axis.best_frequency": {"en": "best frequency k", "zh": "最佳频率 k"},
    "axis.at_it": {"en": "explained", "zh": "解释的比例"},
    "series.tuned": {"en": "more than {threshold} at one frequency", "zh": "单一频率超过 {threshold}"},
    "series.untuned": {"en": "less", "zh": "不到"},
    "neurons.tuned": {
        "en": "{n} of {total} neurons above {threshold}",
        "zh": "{total} 个神经元中 {n} 个超过 {threshold}",
    },
    "spectrum.embedding": {"en": "embedding W_E: norm", "zh": "嵌入 W_E：范数"},
    "spectrum.neurons": {"en": "neurons: mean share of variance", "zh": "神经元：方差占比的平均"},
    "spectrum.readout": {"en": "neuron-logit map W_L: norm", "zh": "神经元到 logit 的映射 W_L：范数"},
    "spectrum.logits": {"en": "logits by right answer: norm", "zh": "logit（按正确答案）：范数"},
    "series.first_checkpoint": {"en": "first checkpoint (step {step})", "zh": "第一个检查点（第 {step} 步）"},
    "axis.logit": {"en": "logit of {c} at a (right) and b (up)", "zh": "答案 {c} 的 logit：a 向右，b 向上"},
    "axis.lowest": {"en": "lowest", "zh": "最低"},
    "axis.highest": {"en": "highest", "zh": "最高"},
    "axis.at_step": {"en": "step {step}", "zh": "第 {step} 步"},
    "moment.memorized": {"en": ", memorised", "zh": "，已记住"},
    "moment.transition": {"en": ", transition", "zh": "，转变中"},
    "moment.last": {"en": ", last", "zh": "，最后"},
    "axis.symmetricity": {"en": "gradient symmetricity", "zh": "梯度对称度"},
    "axis.irrelevance": {"en": "distance irrelevance", "zh": "距离无关度"},
    "series.this_run": {"en": "this run", "zh": "本次训练"},
    "series.runner_up": {"en": "its end, by the largest wrong logit", "zh": "终点（按最大的错误 logit）"},
    "series.published": {"en": "published networks", "zh": "文献中的网络"},
    "published.model_a": {"en": "Model A", "zh": "模型 A"},
    "published.wide": {"en": "width 1,024, full attention", "zh": "宽度 1,024，完整注意力"},
    "published.least_attention": {"en": "median, least attention", "zh": "中位数，注意力最弱"},
    "published.most_attention": {"en": "median, most attention", "zh": "中位数，注意力最强"},
    "region.pizza": {"en": "pizza", "zh": "披萨"},
    "region.clock": {"en": "clock", "zh": "时钟"},
    "region.neither": {"en": "neither", "zh": "两者皆非"},
    "verdict.clock": {
        "en": "By the two thresholds the last checkpoint is a clock: gradient symmetricity {symmetricity} (not above "
        "{min_symmetricity}) and distance irrelevance {irrelevance} (not below {max_irrelevance}).",
        "zh": "按这两个阈值，最后一个检查点是“时钟”：梯度对称度 {symmetricity}（不高于 {min_symmetricity}），距离无关"
        "度 {irrelevance}（不低于 {max_irrelevance}）。",
    },
    "verdict.pizza": {
        "en": "By the two thresholds the last checkpoint is a pizza: gradient symmetricity {symmetricity} (above "
        "{min_symmetricity}) and distance irrelevance {irrelevance} (below {max_irrelevance}).",
        "zh": "按这两个阈值，最后一个检查点是“披萨”：梯度对称度 {symmetricity}（高于 {min_symmetricity}），距离无关度 "
        "{irrelevance}（低于 {max_irrelevance}）。",
    },
    "verdict.neither": {
        "en": "At the last checkpoint the two numbers contradict each other: gradient symmetricity {symmetricity} "
        "(threshold {min_symmetricity}) and distance irrelevance {irrelevance} (threshold {max_irrelevance}) are "
        "together neither a clock nor a pizza.",
        "zh": "在最后一个检查点，两个量互相矛盾：梯度对称度 {symmetricity}（阈值 {min_symmetricity}），距离无关度 "
        "{irrelevance}（阈值 {max_irrelevance}），既不像“时钟”，也不像“披萨”。",
    },
    "verdict.not_circular": {
        "en": "But the paper trusts these numbers only where the embedding is circular, which it is not here "
        "(circularity {circularity}, below {min_circularity}): take this as a hint.",
        "zh": "不过，原文只在嵌入呈圆形时才采信这两个量，而这里并不满足（圆度 {circularity}，低于 {min_circularity}），"
        "所以这一结论仅供参考。",
    },
    "missing.no_neurons": {
        "en": "Not shown: the network has no neurons, or none that varies.",
        "zh": "未显示：该网络没有神经元，或者神经元的输出都不变化。",
    },
    "missing.not_finite": {
        "en": "Not shown: the weights of the last checkpoint are not finite numbers.",
        "zh": "未显示：最后一个检查点的权重不是有限数。",
    },
    "missing.not_all_pairs": {
        "en": "Not shown: the inputs are not all pairs of residues, so that waves in a and b cannot be told apart.",
        "zh": "未显示：输入没有涵盖全部余数对，无法区分 a 与 b 的波。",
    },
    "missing.no_symmetricity": {
        "en": "Not shown: gradient symmetricity compares two symbols of one embedding, which this network has not.",
        "zh": "未显示：梯度对称度比较的是同一嵌入中的两个符号，该网络没有这样的嵌入。",
    },
}
