"""The sentences of a run's headline in English and Chinese."""

from typing import Literal

SUMMARY: dict[str, dict[Literal["en", "zh"], str]] = {
    "summary.imported": {
        "en": "These weights were imported from {file}; of how they were trained, what is known "
        "stands at the end of this page.",
        "zh": "这组权重从 {file} 导入；关于训练过程，已知的都列在本页末尾。",
    },
    "summary.imported_answers": {
        "en": "These weights were imported from {file}; they answer {accuracy} of the inputs that count as trained on "
        "correctly. Of how they were trained, what is known stands at the end of this page.",
        "zh": "这组权重从 {file} 导入，在算作训练集的输入上答对 {accuracy}；关于训练过程，已知的都列在本页末尾。",
    },
    "summary.curves": {
        "en": "These curves were imported from {file}; the task, the network and how it was trained are "
        "not known here.",
        "zh": "这些曲线从 {file} 导入；任务、网络和训练方式在此均不详。",
    },
    "summary.by_losses": {
        "en": "Dated by the curves that there are, the network had memorised its training data by step {mem} and "
        "generalised by step {gen}; the last step is {last}.",
        "zh": "就现有曲线而言，网络记住训练数据的步数为 {mem}，泛化的步数为 {gen}；最后一步为 {last}。",
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
    "summary.lost": {
        "en": "Then it lost what it had found: from step {lost} on its accuracy on test inputs stays below "
        "{threshold}, and at the end it is {accuracy}.",
        "zh": "此后它又失去了学到的规律：从第 {lost} 步起，测试输入的准确率一直低于 {threshold}，最后为 {accuracy}。",
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
