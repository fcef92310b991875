"""What stands on a page around its figures, and why a figure is not there, in English and Chinese."""

from typing import Literal

PAGE: dict[str, dict[Literal["en", "zh"], str]] = {
    "title": {"en": "Run {run}: {task}", "zh": "训练记录 {run}：{task}"},
    "task.modular_addition": {"en": "modular addition", "zh": "模加法"},
    "task.unknown": {"en": "curves from {file}", "zh": "来自 {file} 的曲线"},
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
    "phase.lost": {"en": "lost again", "zh": "丢失期"},
    "phases_note": {
        "en": "The phases: memorised runs from the step at which train accuracy stays at {train} or more to the step "
        "of the largest test loss before generalisation; transition is the time in which accuracy on {inputs} rises "
        "from 10% to 90%; after begins where accuracy on all test inputs stays at {test} or more, and ends where it "
        "falls below for good. To stay means for {stable} evaluations in a row.",
        "zh": "阶段的划分：记忆期从训练准确率稳定达到 {train} 起，到泛化之前测试损失最大的那一步为止；转变期是"
        "{inputs}的准确率从 10% 升到 90% 的区间；泛化期从全部测试输入的准确率稳定达到 {test} 起，到不再恢复地跌破为止。"
        "所谓稳定，指连续 "
        "{stable} 次评估都满足。",
    },
    "inputs.fresh": {"en": "fresh inputs", "zh": "全新输入"},
    "inputs.test": {"en": "test inputs", "zh": "测试输入"},
    "missing.no_evaluation": {
        "en": "Not shown: the run has no evaluation after step 0 yet.",
        "zh": "未显示：第 0 步之后还没有任何评估。",
    },
    "missing.curves": {
        "en": "Not shown: this run is curves alone, without weights.",
        "zh": "未显示：这条记录只有曲线，没有权重。",
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
