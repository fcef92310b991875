"""Names and plain definitions of the numbers in the report's table and of what it says about a run's origin.

The exact definition of a measure is its own docstring, which the table shows beside these.
"""

from typing import Literal

QUANTITIES: dict[str, dict[Literal["en", "zh"], str]] = {
    "column.quantity": {"en": "Quantity", "zh": "量"},
    "column.value": {"en": "Value", "zh": "数值"},
    "column.unit": {"en": "Unit", "zh": "单位"},
    "column.step": {"en": "At step", "zh": "步数"},
    "column.definition": {"en": "Definition", "zh": "定义"},
    "exactly": {"en": "exact definition and source", "zh": "精确定义与出处（英文）"},
    "unit.steps": {"en": "steps", "zh": "步"},
    "never": {"en": "not reached", "zh": "未达到"},
    "not_known": {"en": "not known", "zh": "不详"},
    "head_value": {"en": "head {head}: {value}", "zh": "头 {head}：{value}"},
    "t_mem": {"en": "t_mem: memorised", "zh": "t_mem：记住训练集"},
    "t_mem.define": {
        "en": "First evaluated step from which train accuracy stays at {train} or more for {stable} evaluations.",
        "zh": "训练准确率首次做到连续 {stable} 次评估都不低于 {train} 时的起始步。",
    },
    "t_on": {"en": "t_on: onset", "zh": "t_on：起始点"},
    "t_on.define": {
        "en": "Step of the largest test loss between t_mem and t_gen, spikes left out: the end of memorisation.",
        "zh": "t_mem 与 t_gen 之间测试损失最大的一步（排除尖峰）：单纯记忆的终点。",
    },
    "t_gen": {"en": "t_gen: generalised", "zh": "t_gen：泛化"},
    "t_gen.define": {
        "en": "First evaluated step from which test accuracy stays at {test} or more for {stable} evaluations.",
        "zh": "测试准确率首次做到连续 {stable} 次评估都不低于 {test} 时的起始步。",
    },
    "delay": {"en": "delay", "zh": "延迟"},
    "delay.define": {
        "en": "t_gen − t_mem. The run counts as grokked if it is at least {gap} and t_gen at least {ratio} times "
        "t_mem.",
        "zh": "t_gen − t_mem。当它不小于 {gap}，且 t_gen 不小于 t_mem 的 {ratio} 倍时，称为 grokking。",
    },
    "t_lost": {"en": "t_lost: lost again", "zh": "t_lost：丢失"},
    "t_lost.define": {
        "en": "First evaluated step after which test accuracy never again stays at {test} or more for {stable} "
        "evaluations, of a run that had generalised.",
        "zh": "已泛化的训练从这一步起，测试准确率再也没有连续 {stable} 次评估都不低于 {test}。",
    },
    "crossings_test": {"en": "t_10, t_50, t_90 on test inputs", "zh": "测试输入的 t_10、t_50、t_90"},
    "crossings_fresh": {"en": "t_10, t_50, t_90 on fresh inputs", "zh": "全新输入的 t_10、t_50、t_90"},
    "crossings.define": {
        "en": "First steps from which accuracy on these inputs stays at 10%, 50% and 90% or more for {stable} "
        "evaluations.",
        "zh": "这些输入的准确率首次做到连续 {stable} 次评估都不低于 10%、50%、90% 时的起始步。",
    },
    "behaviour.train_accuracy": {"en": "train accuracy", "zh": "训练准确率"},
    "behaviour.train_accuracy.define": {
        "en": "Share of right answers on trained inputs.",
        "zh": "训练输入答对的比例。",
    },
    "behaviour.test_accuracy": {"en": "test accuracy", "zh": "测试准确率"},
    "behaviour.test_accuracy.define": {
        "en": "Share of right answers on inputs that were not trained on.",
        "zh": "未训练过的输入答对的比例。",
    },
    "behaviour.twin_accuracy": {"en": "twin accuracy", "zh": "对称输入准确率"},
    "behaviour.twin_accuracy.define": {
        "en": "Share of right answers on test inputs whose mirror image was trained on.",
        "zh": "镜像在训练集中的测试输入答对的比例。",
    },
    "behaviour.fresh_accuracy": {"en": "fresh accuracy", "zh": "全新输入准确率"},
    "behaviour.fresh_accuracy.define": {
        "en": "Share of right answers on test inputs whose mirror image was not trained on either.",
        "zh": "镜像也不在训练集中的测试输入答对的比例。",
    },
    "behaviour.train_loss": {"en": "train loss", "zh": "训练损失"},
    "behaviour.train_loss.define": {"en": "Mean loss over trained inputs.", "zh": "训练输入的平均损失。"},
    "behaviour.test_loss": {"en": "test loss", "zh": "测试损失"},
    "behaviour.test_loss.define": {
        "en": "Mean loss over inputs that were not trained on.",
        "zh": "未训练过的输入的平均损失。",
    },
    "behaviour.fresh_loss": {"en": "fresh loss", "zh": "全新输入损失"},
    "behaviour.fresh_loss.define": {"en": "Mean loss over fresh inputs.", "zh": "全新输入的平均损失。"},
    "weights.norm": {"en": "weight norm", "zh": "权重范数"},
    "weights.norm.define": {"en": "Root of the sum of the squares of all weights.", "zh": "全部权重平方和的平方根。"},
    "attention.entropy": {"en": "attention entropy", "zh": "注意力熵"},
    "attention.entropy.define": {
        "en": "How evenly each head spreads its attention: 0 one position, 1 uniform.",
        "zh": "每个头分散注意力的均匀程度：0 为只看一处，1 为均匀。",
    },
    "circuits.key_frequencies": {"en": "key frequencies", "zh": "关键频率"},
    "circuits.key_frequencies.define": {
        "en": "Frequencies of the map from MLP neurons to logits stronger than a quarter of the strongest.",
        "zh": "MLP 神经元到 logit 的映射中，强度超过最强频率四分之一的频率。",
    },
    "circuits.restricted_loss": {"en": "restricted loss", "zh": "限制损失"},
    "circuits.restricted_loss.define": {
        "en": "Loss over all inputs with nothing but the key frequencies in the logits.",
        "zh": "logit 只保留关键频率成分时，全部输入上的损失。",
    },
    "circuits.excluded_loss": {"en": "excluded loss", "zh": "排除损失"},
    "circuits.excluded_loss.define": {
        "en": "Loss over trained inputs with the key frequencies taken out of the logits.",
        "zh": "从 logit 中去掉关键频率成分后，训练输入上的损失。",
    },
    "circuits.irrep_restricted_loss": {"en": "restricted loss (irreps)", "zh": "限制损失（不可约表示）"},
    "circuits.irrep_restricted_loss.define": {
        "en": "Loss over all inputs with nothing but the key irreps of the group in the neurons.",
        "zh": "神经元只保留群的关键不可约表示成分时，全部输入上的损失。",
    },
    "circuits.irrep_excluded_loss": {"en": "excluded loss (irreps)", "zh": "排除损失（不可约表示）"},
    "circuits.irrep_excluded_loss.define": {
        "en": "Loss over trained inputs with the key irreps of the group taken out of the neurons.",
        "zh": "从神经元中去掉群的关键不可约表示成分后，训练输入上的损失。",
    },
    "circuits.gini_embedding": {"en": "Gini, embedding", "zh": "基尼系数（嵌入）"},
    "circuits.gini_embedding.define": {
        "en": "How unequally the embedding's Fourier components are sized: 0 all equal, towards 1 a few have all.",
        "zh": "嵌入各傅里叶分量大小的不均程度：0 为全部相等，越接近 1 越集中于少数。",
    },
    "circuits.gini_neuron_logit": {"en": "Gini, neuron-logit map", "zh": "基尼系数（神经元到 logit）"},
    "circuits.gini_neuron_logit.define": {
        "en": "The same for the map from MLP neurons to logits.",
        "zh": "同上，对象为 MLP 神经元到 logit 的映射。",
    },
    "circuits.neuron_explained": {"en": "tuned neurons", "zh": "单频神经元"},
    "circuits.neuron_explained.define": {
        "en": "Share of the neurons more than 85% of whose variance is waves of one frequency.",
        "zh": "方差有 85% 以上来自单一频率的神经元所占比例。",
    },
    "circuits.logit_explained": {"en": "logits explained", "zh": "logit 被解释的比例"},
    "circuits.logit_explained.define": {
        "en": "Share of the logits' variance that one cosine of a + b − c for each key frequency explains (in "
        "subtraction a − b − c).",
        "zh": "每个关键频率各取一个 a + b − c 的余弦（减法任务为 a − b − c），能解释的 logit 方差比例。",
    },
    "circuits.neuron_logit_residual": {"en": "neuron-logit residual", "zh": "神经元到 logit 映射的残差"},
    "circuits.neuron_logit_residual.define": {
        "en": "Norm of what the key frequencies leave of the map from neurons to logits, over the norm of the map.",
        "zh": "神经元到 logit 的映射去掉关键频率后，剩余部分的范数与整体范数之比。",
    },
    "circuits.inverse_participation_ratio": {"en": "inverse participation ratio", "zh": "逆参与率"},
    "circuits.inverse_participation_ratio.define": {
        "en": "How few frequencies a neuron reads of its operands, averaged over the neurons: 1 is a single one.",
        "zh": "神经元从每个输入数中读取的频率有多集中，对全部神经元取平均：1 表示只读一个频率。",
    },
    "circuits.phase_relation": {"en": "phase relation", "zh": "相位关系"},
    "circuits.phase_relation.define": {
        "en": "Whether the phases with which a neuron reads a and b add up to the one it writes: 1 in all neurons "
        "alike, near 0 by chance.",
        "zh": "神经元读取 a、b 的相位之和与写出的相位之差，在各神经元之间是否一致：1 为完全一致，随机时接近 0。",
    },
    "circuits.circularity": {"en": "circularity", "zh": "圆度"},
    "circuits.circularity.define": {
        "en": "How nearly each of the embedding's four widest directions is a wave of one frequency: 1 exactly.",
        "zh": "嵌入最分散的四个方向各自有多接近单一频率的波：1 表示完全是。",
    },
    "circuits.gradient_symmetricity": {"en": "gradient symmetricity", "zh": "梯度对称度"},
    "circuits.gradient_symmetricity.define": {
        "en": "Mean cosine between the gradients of a logit by the embeddings of a and of b, over 1,000 (a, b, c).",
        "zh": "logit 对 a 的嵌入与对 b 的嵌入的梯度夹角余弦，取 1,000 组 (a, b, c) 的平均。",
    },
    "circuits.distance_irrelevance": {"en": "distance irrelevance", "zh": "距离无关度"},
    "circuits.distance_irrelevance.define": {
        "en": "Spread of the right answer's logit at a fixed a − b over its spread over all inputs: 0 if a − b alone "
        "decides it, 1 if a − b does not matter.",
        "zh": "a − b 固定时正确答案 logit 的离散程度，与全部输入上的离散程度之比：0 表示完全由 a − b 决定，1 表示与 a "
        "− b 无关。",
    },
    "manifold.dimension": {"en": "intrinsic dimension", "zh": "内蕴维数"},
    "manifold.dimension.define": {
        "en": "Of the stream after attention, from the distances between near inputs, (a, b) and (b, a) being one; of "
        "the last checkpoint at which it does not depend on the scale.",
        "zh": "注意力之后的残差流的维数，由相邻输入之间的距离估计，(a, b) 与 (b, a) 只算一个；取结果与尺度无关的最后一"
        "个检查点。",
    },
    "manifold.certified_circles": {"en": "certified circles", "zh": "经检验的圆"},
    "manifold.certified_circles.define": {
        "en": "Frequencies of the embedding that pass every test of a circle.",
        "zh": "嵌入中通过圆的全部检验的频率个数。",
    },
    "manifold.equivariance": {"en": "equivariance", "zh": "等变性"},
    "manifold.equivariance.define": {
        "en": "Share of the variance of distances in the embedding that the difference of the symbols explains.",
        "zh": "嵌入中两点距离的方差，能由两个符号之差解释的比例。",
    },
    "manifold.harmonic_share": {"en": "harmonic share", "zh": "规律占比"},
    "manifold.harmonic_share.define": {
        "en": "Share of the logits' variance that depends only on how far a class is from the right answer.",
        "zh": "logit 的方差中，只取决于类别与正确答案之差的比例。",
    },
    "manifold.swap_distance": {"en": "swap distance", "zh": "交换距离"},
    "manifold.swap_distance.define": {
        "en": "Distance from f(a, b) to f(b, a) over that of two inputs at random, after attention.",
        "zh": "注意力之后 f(a, b) 与 f(b, a) 的距离，除以任意两个输入之间的典型距离。",
    },
    "origin.run": {"en": "Run", "zh": "训练编号"},
    "origin.replica": {"en": "Replica of the pack", "zh": "同批训练中的编号"},
    "origin.replica_note": {
        "en": "{replica} of {pack}; trained alone, a float32 run does not follow the same path to the last bit",
        "zh": "{pack} 中的第 {replica} 个（从 0 计）；单独训练时，float32 的结果不会逐位相同",
    },
    "origin.folder": {"en": "Folder", "zh": "目录"},
    "origin.state": {"en": "State", "zh": "状态"},
    "origin.steps": {"en": "Steps trained", "zh": "已训练步数"},
    "origin.file": {"en": "Read from", "zh": "来源文件"},
    "origin.columns": {"en": "Columns", "zh": "列"},
    "origin.remarks": {"en": "Mended on the way", "zh": "读取时的处理"},
    "origin.seed": {"en": "Seed", "zh": "随机种子"},
    "origin.source": {"en": "Imported from", "zh": "导入自"},
    "origin.note": {"en": "Note on the import", "zh": "导入说明"},
    "origin.device": {"en": "Device, threads", "zh": "设备、线程数"},
    "origin.versions": {"en": "Versions", "zh": "版本"},
    "origin.seconds": {"en": "Training, measuring on the way", "zh": "训练用时、途中测量用时"},
    "origin.thresholds": {"en": "Thresholds of the phases", "zh": "划分阶段的阈值"},
    "origin.checkpoints": {"en": "Checkpoints", "zh": "检查点"},
    "origin.config": {"en": "Configuration", "zh": "配置"},
    "origin.again": {"en": "To make it again", "zh": "复现命令"},
    "origin.python": {"en": "or in Python", "zh": "或在 Python 中"},
    "stability.logit_scale": {"en": "size of the logits", "zh": "logit 大小"},
    "stability.logit_scale.define": {
        "en": "Root mean square of the training inputs' logits, each input's mean taken out.",
        "zh": "训练输入的 logit（各减去自身均值）的均方根。",
    },
    "stability.collapse_rate": {"en": "softmax collapse in float32", "zh": "float32 的 softmax 坍缩"},
    "stability.collapse_rate.define": {
        "en": "Share of training inputs on which a float32 softmax keeps the largest class alone.",
        "zh": "float32 的 softmax 只剩最大类别的训练输入占比。",
    },
    "stability.zero_loss_share": {"en": "loss exactly 0", "zh": "损失恰为 0"},
    "stability.zero_loss_share.define": {
        "en": "Share of training inputs whose loss, as trained, is exactly 0.",
        "zh": "训练所用的损失恰为 0 的训练输入占比。",
    },
    "stability.gradient_effective_rank": {"en": "effective rank of the gradients", "zh": "梯度的有效秩"},
    "stability.gradient_effective_rank.define": {
        "en": "In how many directions at once the training inputs pull the logits.",
        "zh": "训练输入同时把 logit 拉向多少个方向。",
    },
    "stability.radial_share": {"en": "gradient along the weights", "zh": "沿权重的梯度占比"},
    "stability.radial_share.define": {
        "en": "Share of the squared gradient that only scales the weights.",
        "zh": "梯度平方中只改变权重大小的那一部分所占比例。",
    },
    "representation.effective_dimension": {"en": "effective dimension of the embedding", "zh": "嵌入的有效维数"},
    "representation.effective_dimension.define": {
        "en": "Exponential of the entropy of the principal components' shares of variance.",
        "zh": "各主成分方差占比的熵取指数。",
    },
    "representation.quality_index": {"en": "quality of the representation (RQI)", "zh": "表示质量指数（RQI）"},
    "representation.quality_index.define": {
        "en": "Share of the pairs of sums that are equal whose embeddings form a parallelogram.",
        "zh": "和相等的两对数，其嵌入构成平行四边形的比例。",
    },
}
