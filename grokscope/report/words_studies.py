"""The words of Goldilocks, phase diagrams, landscapes and softmax collapse, in English and Chinese.

A caption says what is plotted and how to read it; for what is held as evidence also what is none.
"""

from typing import Literal

STUDIES: dict[str, dict[Literal["en", "zh"], str]] = {
    "goldilocks.title": {"en": "The Goldilocks zone: {setting}", "zh": "Goldilocks 区：{setting}"},
    "goldilocks.lead": {
        "en": "With weights kept too small this network cannot fit, with weights kept too large it only memorises: it "
        "generalises at norms from {low} to {high}.",
        "zh": "权重太小，网络学不会；权重太大，网络只会死记。范数在 {low} 到 {high} 之间时，它才能泛化。",
    },
    "goldilocks.open": {
        "en": "The norms at which this network generalises reach beyond those that were tried: one end of the zone is "
        "not known.",
        "zh": "能泛化的范数超出了所试的范围，区域的一端尚不清楚。",
    },
    "goldilocks.nowhere": {
        "en": "At none of the norms tried does this network generalise within its steps.",
        "zh": "在所试的范数上，网络在规定步数内都没有泛化。",
    },
    "goldilocks.no_sphere": {
        "en": "No network was trained at a fixed norm, so that the zone itself is not known.",
        "zh": "没有在固定范数下训练过网络，因此区域本身尚不清楚。",
    },
    "goldilocks.law": {
        "en": "Networks that start outside come in at the pace of weight decay, as predicted.",
        "zh": "从区域外出发的网络按权重衰减的速度进入，与预言相符。",
    },
    "goldilocks.no_law": {
        "en": "But how long networks that start outside need to come in is not what weight decay alone predicts.",
        "zh": "不过，从区域外出发的网络多久才能进入，并不像单凭权重衰减所预言的那样。",
    },
    "goldilocks.critical": {
        "en": "They need a share of about {share} of the data to generalise by the end of training.",
        "zh": "要在训练结束前泛化，训练数据的占比大约需要 {share}。",
    },
    "goldilocks.intervals": {
        "en": "Intervals are 95%. Shells and the critical share are geometric means over seeds; a seed's edge is "
        "interpolated between neighbours of the grid.",
        "zh": "区间均为 95%。壳层的边界和临界占比是各种子的几何平均；每个种子的边界由相邻两个取值插值得到。",
    },
    "task.teacher_student": {"en": "teacher and student", "zh": "教师与学生"},
    "figure.l_and_u": {"en": "The L and the U", "zh": "L 与 U"},
    "caption.l_and_u": {
        "en": "Networks trained with the size of their weights held fixed: after each step all weights are scaled "
        "back to the norm they began with, without weight decay. Each small dot is a run; lines are means over seeds "
        "with their 95% intervals (a single bad seed pulls a mean far up on this logarithmic axis). Train loss (blue) "
        "falls as the norm grows and stays low: an L. Loss on inputs never trained on (orange) falls with it and "
        "rises again: a U. In between lies the shell (green, paler over the intervals of its ends), the norms at "
        "which networks generalise: test accuracy of {least}, or in a regression a test loss within ten times its "
        "smallest. Further out they fit all the same, but by memorising. An optimizer whose steps are of one length "
        "hardly turns large weights; so where there is a second panel, steps there turn the weights by the same angle "
        "at every norm. A U that stays is not made by slow training.",
        "zh": "训练时保持权重的大小不变：每步之后把全部权重缩放回初始范数，不用权重衰减。每个小点是一次训练，折线是各"
        "种子的平均及其 95% 区间（在对数轴上，单个坏种子就能把平均值拉高很多）。训练损失（蓝）随范数增大而下降，然后一"
        "直很低，形如 L；没训练过的输入上的损失（橙）先随之下降，又重新升高，形如 U。两者之间是壳层（绿，端点的区间颜"
        "色较浅），即能够泛化的范数：测试准确率达到 {least}，回归任务则是测试损失不超过最小值的十倍。范数更大时照样拟"
        "合得很好，但靠的是死记。优化器每步的长度差不多，权重大时几乎转不动；因此第二个分图（如果有）让每步转过的角度"
        "在各范数下相同。U 依然存在，说明它不是训练太慢造成的。",
    },
    "figure.law": {"en": "How long the way in takes", "zh": "走进壳层要多久"},
    "caption.law": {
        "en": "Networks let go: they start at norms w₀, and weight decay γ at learning rate η pulls them inwards. "
        "Each mark is a run; open triangles never generalised and stand at their last step, their time is longer. If "
        "shrinking from w₀ to some norm w_c were all there is to wait for, it would take ln(w₀ / w_c) / (ηγ) steps: a "
        "straight line on this axis. Orange is the line fitted to the blue marks (triangles count as later than where "
        "they stand; grey ones start too far in to have to shrink and are left out), dashed grey a line of the "
        "predicted slope. w_c is where the fitted line meets 0. R² says how near the runs that generalised lie to the "
        "line: 1 on it, 0 no better than their mean, below 0 worse. Evidence is a line of the predicted slope, and a "
        "w_c no larger than the outer edge of the shell, which was found in another way.",
        "zh": "不再固定范数：网络从范数 w₀ 出发，权重衰减 γ 在学习率 η 下把它往里拉。每个标记是一次训练；空心三角没有"
        "泛化，画在最后一步，实际时间更长。如果只需等范数从 w₀ 缩到某个 w_c，就要 ln(w₀ / w_c) / (ηγ) 步，在这个坐标下"
        "是一条直线。橙线拟合全部蓝色标记（三角按“晚于所在位置”计入；灰色标记起点太靠里，不必收缩，未计入），灰色虚线"
        "为预言的斜率。w_c 是拟合线降到 0 的位置。R² 表示已泛化的训练离直线多近：1 为恰在线上，0 为不比平均值好，负数"
        "则更差。斜率与预言相符，并且 w_c 不大于壳层的外缘（后者由另一种方法得到），才算证据。",
    },
    "law.found": {
        "en": "Fitted: {slope} steps for every factor e of the norm, w_c = {w_c}, R² = {r}; {censored} of {n} runs "
        "never generalised.",
        "zh": "拟合结果：范数每大 e 倍，多需 {slope}步；w_c = {w_c}；R² = {r}；{n} 次训练中有 {censored} 次没有泛化。",
    },
    "law.none": {
        "en": "No line was fitted: {reached} of {n} runs generalised, too few or at too few norms.",
        "zh": "没有拟合直线：{n} 次训练中只有 {reached} 次泛化，次数或涉及的范数太少。",
    },
    "law.holds": {
        "en": "The predicted {predicted} steps lie within the interval and R² is at least {least}: the law holds here.",
        "zh": "预言的 {predicted} 步落在区间之内，R² 也不低于 {least}：这里符合该规律。",
    },
    "law.scatters": {
        "en": "The predicted {predicted} steps lie within the interval, but the runs scatter widely (R² below "
        "{least}): the norm at the start does not decide the time, and the law is not confirmed here.",
        "zh": "预言的 {predicted} 步落在区间之内，但各次训练十分分散（R² 低于 {least}）：初始范数并不决定时间，这里不"
        "能证实该规律。",
    },
    "law.other_slope": {
        "en": "The runs lie on a line (R² at least {least}), but not on one of the predicted {predicted} steps: "
        "weight decay alone does not set the pace, and the law does not hold here.",
        "zh": "各次训练确实排成直线（R² 不低于 {least}），但斜率不是预言的 {predicted} 步：快慢不只由权重衰减决定，这"
        "里不符合该规律。",
    },
    "law.fails": {
        "en": "Neither lies the predicted {predicted} steps within the interval nor do the runs lie near a line (R² "
        "below {least}): the law does not hold here.",
        "zh": "预言的 {predicted} 步不在区间之内，各次训练也不在一条直线附近（R² 低于 {least}）：这里不符合该规律。",
    },
    "figure.fractions": {"en": "How much data it takes", "zh": "需要多少数据"},
    "caption.fractions": {
        "en": "The share of runs that generalise by their last step (test accuracy of {least}), by the share of the "
        "data that they are trained on; bars are exact 95% intervals of a share of so few runs, which is why they are "
        "wide. Orange is the critical share, from which networks generalise: for each seed the accuracy at the end is "
        "followed along the shares to where it crosses {least}, and the mean of these places is shown with its "
        "interval. It depends on how long one trains.",
        "zh": "到最后一步已经泛化（测试准确率达到 {least}）的训练所占比例，横轴是训练数据占全部数据的比例；竖线是比例"
        "的精确 95% 区间，训练次数少，所以很宽。橙色是临界占比，即从这里起网络能够泛化：对每个种子，沿横轴找到最终准确"
        "率越过 {least} 的位置，再取平均，并给出区间。它与训练多久有关。",
    },
    "axis.norm_kept": {"en": "norm of all weights, kept while training", "zh": "训练中保持不变的权重范数"},
    "axis.norm_initial": {"en": "initial norm of all weights w₀", "zh": "全部权重的初始范数 w₀"},
    "axis.t_gen": {"en": "steps to generalise", "zh": "泛化所需步数"},
    "axis.train_share": {"en": "share of the data trained on", "zh": "训练数据占比"},
    "axis.generalising": {"en": "runs that generalise", "zh": "泛化的训练占比"},
    "series.shell": {"en": "Goldilocks shell", "zh": "Goldilocks 壳层"},
    "series.generalised": {"en": "runs", "zh": "各次训练"},
    "series.censored": {"en": "not generalised by its last step", "zh": "到最后一步仍未泛化"},
    "series.outside": {"en": "not in the fit", "zh": "未计入拟合"},
    "series.outside_censored": {"en": "not in the fit, not generalised", "zh": "未计入拟合，未泛化"},
    "series.law": {"en": "fitted line", "zh": "拟合线"},
    "series.law_predicted": {"en": "predicted slope 1 / (ηγ)", "zh": "预言的斜率 1 / (ηγ)"},
    "series.generalising": {"en": "runs that generalise, exact 95% interval", "zh": "泛化的训练占比，精确 95% 区间"},
    "mark.w_c": {"en": "w_c", "zh": "拟合的 w_c"},
    "mark.shell_edge": {"en": "outer edge of the shell", "zh": "壳层外缘"},
    "mark.critical": {"en": "critical share", "zh": "临界占比"},
    "arm.sphere": {"en": "norm kept", "zh": "范数固定"},
    "arm.sphere, equal angle": {"en": "norm kept, steps of equal angle", "zh": "范数固定，每步角度相同"},
    "arm.free": {"en": "let go under weight decay", "zh": "不固定范数，有权重衰减"},
    "arm.fractions": {"en": "shares of the data", "zh": "不同数据占比"},
    "arm.shell": {"en": "{arm}: shell {low} to {high}", "zh": "{arm}：壳层 {low} 到 {high}"},
    "interval": {"en": "{value} ({low} to {high})", "zh": "{value}（{low} 到 {high}）"},
    "between": {"en": "{low} to {high}", "zh": "{low} 到 {high}"},
    "column.interval": {"en": "95% interval", "zh": "95% 区间"},
    "column.n": {"en": "Seeds or runs", "zh": "种子或训练数"},
    "row.shell_low": {"en": "inner edge of the shell ({arm})", "zh": "壳层内缘（{arm}）"},
    "row.shell_high": {"en": "outer edge of the shell ({arm})", "zh": "壳层外缘（{arm}）"},
    "row.slope": {"en": "steps for every factor e of the norm", "zh": "范数每大 e 倍多需的步数"},
    "row.w_c": {"en": "norm at which the fitted line meets 0, w_c", "zh": "拟合线降到 0 处的范数 w_c"},
    "row.none": {"en": "no answer", "zh": "无结果"},
    "missing.arm": {
        "en": "Not shown: this part of the study was not trained ({arm}).",
        "zh": "未显示：研究的这一部分没有训练（{arm}）。",
    },
    "origin.setting": {"en": "Setting", "zh": "设置"},
    "origin.arm": {"en": "pack {packs}, {n} runs, up to {steps} steps", "zh": "{packs}，{n} 次训练，最多 {steps} 步"},
    "origin.shared": {"en": "Configuration that all runs share", "zh": "全部训练共有的配置"},
    "origin.python_again": {"en": "To make it again, in Python", "zh": "用 Python 复现"},
    "landscape.title": {"en": "The loss around run {run}, step {step}", "zh": "训练记录 {run} 第 {step} 步附近的损失"},
    "landscape.lead": {
        "en": "Where in the landscape the network stands: its loss on the way out along four cuts through weight "
        "space.",
        "zh": "网络处在损失地形的什么位置：沿权重空间的四个截面向外走，看损失如何变化。",
    },
    "landscape.curvatures": {
        "en": "The training loss bends by {hessian} along the sharpest direction of its Hessian, by {weights} along "
        "the weights themselves and by {random} along a random one.",
        "zh": "训练损失的曲率：沿 Hessian 最陡的方向为 {hessian}，沿权重自身的方向为 {weights}，沿随机方向为 {random}"
        "。",
    },
    "figure.landscape_weights": {"en": "Along the weights: smaller and larger", "zh": "沿权重方向：缩小与放大"},
    "figure.landscape_hessian": {"en": "Along the sharpest direction", "zh": "沿最陡的方向"},
    "figure.landscape_random": {"en": "Along a random direction", "zh": "沿随机方向"},
    "figure.landscape_plane": {
        "en": "The plane of weights and sharpest direction",
        "zh": "权重方向与最陡方向张成的平面",
    },
    "caption.line": {
        "en": "Loss on the training inputs (blue) and on inputs never trained on (orange) at weights w + t d, with d "
        "as long as w itself; the network stands at 0. Nothing is trained anew on the way. The dashed parabola has "
        "the curvature of the training loss at 0 (from its Hessian): where the curves leave it, the landscape is not "
        "a bowl. A minimum of the test loss away from 0 says that another norm, or another place, would generalise "
        "better.",
        "zh": "权重取 w + t d 时训练输入（蓝）和没训练过的输入（橙）上的损失；d 与 w 等长，网络本身在 0 处，途中不再训"
        "练。虚线抛物线取 0 处训练损失的曲率（由 Hessian 得到）：曲线偏离它的地方，地形就不是一只碗。测试损失的最小值"
        "若不在 0，说明换一个范数或位置会泛化得更好。",
    },
    "caption.plane": {
        "en": "The same losses over a plane, on one logarithmic scale for both panels; the cross is the network. "
        "Across: the weights scaled by 1 + t; up: the eigenvector of the largest eigenvalue of the Hessian.",
        "zh": "同样的损失画在一个平面上，两个分图用同一对数色标；十字为网络本身。横轴：权重乘以 1 + t；纵轴：Hessian "
        "最大特征值的特征向量。",
    },
    "missing.slice": {"en": "Not shown: {reason}.", "zh": "未显示：{reason}。"},
    "phases.title": {"en": "Phases of learning over {x} and {y}", "zh": "{x} 与 {y} 上的学习阶段"},
    "phases.lead": {
        "en": "Of {total} settings {comprehension} comprehend, {grokking} grok, {memorisation} only memorise and "
        "{confusion} learn neither.",
        "zh": "{total} 个设置中，{comprehension} 个直接理解，{grokking} 个顿悟，{memorisation} 个只会记忆，"
        "{confusion} 个两者都没学会。",
    },
    "figure.phases": {"en": "Phase diagram", "zh": "相图"},
    "caption.phases": {
        "en": "Comprehension: training and test accuracy reach {limit} less than {delay} steps apart. Grokking: test "
        "follows later. Memorisation: only the training inputs are learned. Confusion: not even these. A cell of "
        "several runs has the phase of most of them, of equally frequent ones the worse. A click on a cell opens the "
        "report of its run where there is one. What is never reached depends on how long one trains.",
        "zh": "理解：训练与测试准确率先后达到 {limit}，相差不到 {delay} 步。顿悟（grokking）：测试更晚才达到。记忆：只"
        "学会训练输入。混乱：连训练输入也没学会。一格有多次训练时取多数的阶段，同样多时取较差的。若有报告，点击格子即"
        "可打开。“从未达到”取决于训练多久。",
    },
    "stability.title": {
        "en": "Softmax collapse: what stops a network, and what lifts it",
        "zh": "softmax 坍缩：什么让网络停下，什么又让它继续",
    },
    "stability.all": {"en": "All seeds generalise with: {arms}.", "zh": "所有种子都泛化的设置：{arms}。"},
    "stability.none": {"en": "No seed generalises with: {arms}.", "zh": "没有一个种子泛化的设置：{arms}。"},
    "stability.some": {
        "en": "In every arm some seeds generalise and others do not.",
        "zh": "每一组里都有的种子泛化，有的没有。",
    },
    "figure.arms": {
        "en": "Accuracy on new inputs, and what rounding has taken",
        "zh": "新输入上的准确率，以及被舍入吃掉的部分",
    },
    "caption.arms": {
        "en": "Each colour is an arm: the same networks and data, with one thing changed; the line is the median over "
        "seeds, the band runs from the worst seed to the best. Above: accuracy on inputs never trained on. Below: the "
        "share of training inputs on which the softmax, in the precision that the arm trains with, has nothing left "
        "to say, since the sum of exponentials is the largest of them alone. For these the loss of a right answer is "
        "exactly 0 and pulls no more. Evidence that collapse stops learning is an arm that stays at chance above "
        "while it collapses below, and that learns once collapse alone is taken away. That an arm collapses after it "
        "has stopped shows nothing. Under StableMax the collapse shown is the one its logits would have under softmax.",
        "zh": "每种颜色是一组：网络和数据相同，只改一处；折线为各种子的中位数，色带从最差的种子到最好的种子。上图：没"
        "训练过的输入上的准确率。下图：按该组训练所用的精度，softmax 已无话可说的训练输入占比，也就是指数之和只剩最大"
        "的那一项；答对的输入这时损失恰为 0，不再起作用。若某组上图停在随机水平而下图发生坍缩，并且仅仅去掉坍缩就能学"
        "会，才说明是坍缩阻止了学习；先停下、后坍缩，则什么也说明不了。StableMax 一组画的是假如对同样的 logit 用"
        " softmax 时的坍缩。",
    },
    "arm.float16": {"en": "softmax in float16", "zh": "float16 的 softmax"},
    "arm.bfloat16": {"en": "softmax in bfloat16", "zh": "bfloat16 的 softmax"},
    "arm.float32": {"en": "softmax in float32", "zh": "float32 的 softmax"},
    "arm.float64": {"en": "softmax in float64", "zh": "float64 的 softmax"},
    "arm.weight_decay": {"en": "weight decay 1", "zh": "权重衰减 1"},
    "arm.stablemax": {"en": "StableMax", "zh": "StableMax 损失"},
    "arm.perpendicular": {"en": "⊥Grad, by tensor", "zh": "⊥Grad（逐个张量）"},
    "arm.perpendicular_global": {"en": "⊥Grad, all at once", "zh": "⊥Grad（整体）"},
    "arm.label_smoothing": {"en": "labels smoothed by 0.1", "zh": "标签平滑 0.1"},
    "arm.temperature": {"en": "temperature 10", "zh": "温度 10"},
    "column.arm": {"en": "Arm", "zh": "组别"},
    "column.memorised": {"en": "Memorised", "zh": "记住"},
    "column.generalised": {"en": "Generalised", "zh": "泛化"},
    "column.peak": {"en": "Best test accuracy", "zh": "最高测试准确率"},
    "column.collapse": {"en": "Largest collapse", "zh": "最大坍缩占比"},
    "column.norm_growth": {"en": "Norm, times its start", "zh": "范数（起始值的倍数）"},
    "of": {"en": "{k} of {n}", "zh": "{n} 次中的 {k} 次"},
    "reached": {"en": "{share}, median step {step}", "zh": "{share}，中位步数 {step}"},
    "figure.collapse": {"en": "What rounding leaves of the softmax", "zh": "舍入还给 softmax 留下多少"},
    "caption.collapse": {
        "en": "A softmax in floating point has collapsed on an input when the exponentials of all other classes are "
        "lost beside the largest: the loss of a right answer is then exactly 0, and its class learns no more from it. "
        "Top: the share of training inputs on which that would be so in each precision, for the logits as they are; "
        "the thick line is the precision this run trains with, dotted grey the share whose trained loss is exactly 0. "
        "Bottom: the size of the logits (root mean square), which makes it happen: about 17 nats of lead collapse "
        "float32, 37 float64. Red triangles are slingshots, spikes of the training loss with a jump of the norm, "
        "after which a network may generalise for that reason alone. A collapse of the thick line while test accuracy "
        "still waits is evidence that the waiting may not end; weight decay keeps logits small and the line at 0. "
        "Under another loss than cross-entropy (StableMax) these are the softmax that its logits would have.",
        "zh": "浮点 softmax 在某个输入上坍缩，是指其余类别的指数在最大者旁边全被舍入掉：答对时损失恰为 0，这个类别再也"
        "学不到东西。上图：对当前的 logit，在各种精度下会坍缩的训练输入占比；粗线是本次训练所用的精度，灰色点线是训练"
        "损失恰为 0 的占比。下图：logit 的大小（均方根），坍缩由它造成：领先约 17 nat 时 float32 坍缩，37 nat 时"
        " float64 坍缩。红色三角是弹弓效应，即训练损失出现尖峰、范数同时跳升，此后的泛化可能只因为它。测试准确率还没动"
        "而粗线已经坍缩，说明这段等待可能没有尽头；权重衰减让 logit 保持较小，粗线停在 0。损失不是交叉熵（如 StableMax"
        "）时，画的是假如对这些 logit 用 softmax 时的情形。",
    },
    "axis.collapsed": {"en": "share of training inputs", "zh": "训练输入占比"},
    "axis.logits": {"en": "logits [nats]", "zh": "logit 大小 [nat]"},
    "series.collapse": {"en": "collapsed in {dtype}", "zh": "{dtype} 下坍缩"},
    "series.zero_loss": {"en": "loss exactly 0", "zh": "损失恰为 0"},
    "series.logit_scale": {"en": "logits, root mean square", "zh": "logit 均方根"},
    "series.slingshots": {"en": "slingshots: {n}", "zh": "弹弓效应：{n} 次"},
    "missing.no_softmax": {
        "en": "Not shown: the task has no classes, so there is no softmax that could collapse.",
        "zh": "未显示：该任务没有类别，也就没有会坍缩的 softmax。",
    },
}
