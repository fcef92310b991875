"""Titles and captions of the figures in English and Chinese.

A caption says what is plotted and how to read it; for what is held as evidence also what chance would give.
"""

from typing import Literal

FIGURES: dict[str, dict[Literal["en", "zh"], str]] = {
    "figure.grokking_curve": {"en": "The grokking curve", "zh": "grokking 曲线"},
    "caption.grokking_curve": {
        "en": "Above, the share of right answers; below, the mean loss, on four sets of inputs: train (blue), all "
        "test inputs, none of which was trained on (orange), and the two parts of the test set. Twins (pink, "
        "dotted) are pairs (a, b) whose mirror image (b, a) was trained on, so that knowing a + b = b + a is "
        "enough; fresh inputs (green, dashed) have no such help and show whether the rule itself was found. The "
        "step axis is logarithmic: equal distances are equal factors.",
        "zh": "上图是答对的比例，下图是平均损失，各画四组输入：训练集（蓝）、全部测试输入（橙，均未训练过），以及测试"
        "集的两个部分。对称输入（粉，点线）是指镜像 (b, a) 已在训练集中的 (a, b)，只要知道 a + b = b + a 就能答对；"
        "全新输入（绿，虚线）没有这条捷径，只有它能说明网络是否真正学到了规律。横轴取对数：相等的距离代表相等的倍数"
        "。",
    },
    "figure.weight_norm": {"en": "The size of the weights", "zh": "权重的大小"},
    "caption.weight_norm": {
        "en": "The root of the sum of all squared weights (thick grey), and the same for each weight tensor by its "
        "name (thin, coloured as in the legend; click a name to hide or show it). W_E embeds the symbols, W_Q, W_K, "
        "W_V and W_O are the attention's, W_in and W_out the MLP's, W_U gives the logits. Weight decay pulls all of "
        "them towards 0; a fall during the transition means that the solution found needs less weight than the "
        "memorised one.",
        "zh": "粗灰线是全部权重平方和的平方根，细线是每个权重张量各自的范数（颜色见图例，点击名称可隐藏或显示）。W_E "
        "是符号的嵌入，W_Q、W_K、W_V、W_O 属于注意力，W_in、W_out 属于 MLP，W_U 输出 logit。权重衰减不断把它们拉向 "
        "0；"
        "如果在转变期下降，说明新找到的解法比死记硬背更省权重。",
    },
    "figure.attention_entropy": {"en": "How widely the attention looks", "zh": "注意力的分散程度"},
    "caption.attention_entropy": {
        "en": "For each attention head (one colour each), how evenly the last position divides its attention over "
        "the positions it can see, averaged over all inputs: entropy divided by its largest possible value. 1 "
        "(dashed grey) is perfectly uniform attention, 0 is all attention on one position. Thick grey is the mean "
        "of the heads. Where the run memorised first and generalised later, red lines mark three levels of that "
        "mean: at memorisation (low), its highest before generalisation (high), and its mean from then on (mid). "
        "The legend compares them: > and < stand for differences beyond the curve's own fluctuation, ≈ for those "
        "within it. The names tell the order that was predicted, not the one found.",
        "zh": "每个注意力头（一头一色）在最后一个位置上把注意力分给各位置的均匀程度，对全部输入取平均：熵除以其最大可"
        "能值。1（灰色虚线）表示完全均匀，0 表示只看一个位置。粗灰线是各头的平均。如果网络先记住、后泛化，红线会标出"
        "这条平均曲线的三个水平：刚记住时（低）、泛化之前的最高点（高）、泛化之后的平均（中）。图例给出三者的比较："
        "> 和 < 表示差别超出了曲线自身的波动，≈ 表示没有超出。低、高、中是理论预言的次序，不代表实际测得的次序。",
    },
    "figure.spectrum": {"en": "Frequencies in the embedding", "zh": "嵌入矩阵的频谱"},
    "caption.spectrum": {
        "en": "The embedding as a function of the residue a is a sum of waves cos(2πka/p) and sin(2πka/p). Each row "
        "is one frequency k, each column one checkpoint, and the colour the size of that wave: dark violet is "
        "nothing, yellow the most. A generalising network keeps few rows and lets the others fade. Triangles mark "
        "the key frequencies of the last checkpoint, those that the MLP writes to the answers. Step 0 is left out, "
        "as the axis is logarithmic.",
        "zh": "把嵌入看作余数 a 的函数，它是若干波 cos(2πka/p) 与 sin(2πka/p) 之和。每一行是一个频率 k，每一列是一个"
        "检查点，颜色表示该波的大小：深紫为零，黄色最大。泛化的网络只留下少数几行，其余逐渐消失。三角标出最后一个检"
        "查点的关键频率，即 MLP 真正写到答案上的那些。对数轴上没有第 0 步的位置，故略去。",
    },
    "figure.progress_losses": {"en": "Restricted and excluded loss", "zh": "限制损失与排除损失"},
    "caption.progress_losses": {
        "en": "Two losses that look behind the curve, beside train (blue) and test loss (orange). Restricted loss "
        "(green) keeps only the part of the logits that runs along the key frequencies: when it falls, the rule is "
        "already there, even if memorised noise still hides it. Excluded loss (yellow) takes that part away, on "
        "training inputs: when it rises, the network has come to rely on the rule and lets go of what it had "
        "memorised. Dots are checkpoints. Upright lines end the published phases, found by rule: memorisation at "
        "the largest test loss, circuit formation where it has halved, cleanup where the weights have made nine "
        "tenths of their last fall; the thick marks at the bottom are what other levels would have said.",
        "zh": "两种能看到曲线背后的损失，与训练损失（蓝）、测试损失（橙）并列。限制损失（绿）只保留 logit 中沿关键频"
        "率的成分：它下降，说明规律已经成形，只是还被记忆下来的噪声掩盖。排除损失（黄）在训练输入上恰好去掉这一成分："
        "它上升，说明网络已转而依靠规律，放弃了死记的内容。圆点为检查点。竖线是文献中三个阶段的终点，按规则找出：测"
        "试损失最大时记忆结束，降到一半时回路成形，权重完成最后那次下降的九成时清理结束；底部的粗线表示换用别的比例"
        "会得到的范围。",
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
        "就说明网络把数放到了圆上，加法变成了旋转。所有步数都用最后一个检查点的平面，各方格比例相同。平面是由权重拟"
        "合出来的，所以即使权重毫无结构，最后一步也会出现毛糙的环，但不会是整齐的环。",
    },
    "figure.cloud": {"en": "The cloud takes shape", "zh": "点云怎样成形"},
    "caption.cloud": {
        "en": "What the network holds of an input after attention and before the MLP (the residual stream at the "
        "last position), each input one point. Left, inputs: a fixed random choice, (a, b) and (b, a) merged where "
        "the task treats them alike. Right, for each answer c the mean of all inputs with that answer. Both stand "
        "in one plane, that of the two directions in which the means of the last checkpoint spread most, each at a "
        "scale of its own that stays the same over the steps. The colour is the answer; in cyclic tasks kc mod p "
        "runs once around the colour wheel, k being the strongest key frequency. Evidence is the colours in order "
        "around the centre on the left, where nothing was averaged, and well before the last step; expect a disc "
        "there and not a ring, as that is what the sum of two points of a circle gives. By itself a shape on the "
        "right at the last step is no evidence, as the plane was chosen to show it. The slider's first step, the "
        "untrained network, is the null.",
        "zh": "网络经过注意力、进入 MLP 之前对每个输入的内部表示（最后一个位置的残差流），一个输入一个点。左图是随机"
        "选定的一批输入，各步不变；任务若不区分 (a, b) 与 (b, a)，两者合为一点。右图是每个答案 c 的均值，即答案为 c "
        "的所有输入的平均。两图用同一平面，取最后一个检查点上均值最为分散的两个方向；比例各自固定，不随步数改变。颜"
        "色表示答案；在循环群任务中，kc mod p 绕色环一周，k 是最强的关键频率。左图没有取过平均，如果其中的颜色绕中心"
        "依次变化，而且远早于最后一步就已如此，才算证据；形状应是圆盘而不是圆环，因为圆上两点相加得到的正是圆盘。最"
        "后一步右图有形状并不说明什么，平面本来就是照着它选的。滑块的起点是未经训练的网络，用作对照。",
    },
    "figure.dimension": {"en": "How many dimensions the cloud has", "zh": "点云有几维？"},
    "caption.dimension": {
        "en": "How many numbers it takes to say where a point of the residual stream lies. Blue, the intrinsic "
        "dimension, judges by the distances to near neighbours (Gride), with (a, b) and (b, a) as one point; where "
        "the answer depends on the scale there is a gap instead of a number, and light blue is what one scale alone "
        "(the 4th and 8th neighbours) would say. Pink is the embedding, at the 16th and 32nd neighbours: on a "
        "circle every number has two neighbours equally far, so that nearer ones say nothing of a dimension. Orange "
        "is the naive way: all inputs, "
        "the two nearest neighbours (TwoNN). It falls towards 0 for a reason that has nothing to do with dimension: "
        "once the network knows that a + b = b + a, the nearest neighbour of a point is its own mirror image (as in "
        "the untrained network, to which both positions look alike). The lower panel shows this, the distance from "
        "f(a, b) to f(b, a) over that of two inputs at random. Green is the linear dimension (participation ratio), "
        "the number of directions that the cloud spreads over: 2 for one circle, 2K for K equal ones. Evidence of a "
        "manifold would be blue coming to rest at a small number, and not doing so in a run with random labels. A "
        "fall of the orange curve is no evidence. Above ten or so, read the numbers as more or less, not as "
        "dimensions.",
        "zh": "要说清残差流中一个点的位置，需要几个数？蓝线是内蕴维数，由近邻之间的距离估计（Gride 方法），(a, b) 与 "
        "(b, a) 只算一个点；如果结果随尺度而变，就留空，不给数值；浅蓝线是只看一个尺度（第 4 与第 8 近邻）的结果。粉"
        "线是嵌入，取第 16 与第 32 近邻：圆上每个数左右两个邻居一样远，只看最近的邻居测不出维数。橙线是不加处理的做"
        "法：用全部输入，只看最近的两个邻"
        "居（TwoNN）。它会降到 0 附近，但这与维数无关：网络一旦知道 a + b = b + a，每个点最近的邻居就成了自己的镜像"
        "（未经训练的网络分不清两个位置，也是如此）。下图画的正是这一点：f(a, b) 到 f(b, a) 的距离，除以任意两个输入"
        "之间的典型距离。绿线是线性维数（参与率），即点云铺展在多少个方向上：一个圆为 2，K 个同样大的圆为 2K。如果蓝"
        "线最终停在一个小数目上，而随机标签的训练中没有这种现象，才算流形的证据；橙线下降不算。大约超过 10 以后，这"
        "些数只宜比大小，不宜当作真正的维数。",
    },
    "figure.circles": {"en": "Circles that pass every test", "zh": "经得起检验的圆"},
    "caption.circles": {
        "en": "Does adding a number turn the cloud? Top: every frequency k that the last checkpoint carries has a "
        "plane, and its curve says how exactly the numbers stand there at their angles 2πka/p. 1 is each in its "
        "place, the pink line what 97.5% of random tables of a cyclic task stay below. Solid lines are the "
        "embedding, dotted ones "
        "the class means. No point has a part in fitting the plane it is tested in; without this care random "
        "weights pass as well. Middle: how many frequencies pass all tests of a circle, that is more power than in "
        "999 shuffles of the numbers, as wide as high, the right angles, one turn, one loop. Bottom: the share of "
        "the variance of all distances that a − b alone explains (by chance 1/(p − 2)). Evidence is a count above "
        "0, and equivariance far above where it started, which no choice of a plane can feign; class means have a "
        "little of it in an untrained network already. As the frequencies were picked at the last step, it is no "
        "surprise that their curves end high; when they rise is the finding.",
        "zh": "加上一个数，点云是否随之转动？上图：最后一个检查点带有的每个频率 k 各有一个平面，曲线表示各数落在角度 "
        "2πka/p 上的准确程度。1 表示每个数都准确到位，粉线是循环群任务中 97.5% 的随机表格达不到的水平。实线是嵌入，"
        "点线是类均值。"
        "检验某个点时，拟合平面不用这个点本身；不这样做，随机权重也能蒙混过关。中图：通过全部检验的频率有几个，即强"
        "度超过 999 次随机打乱、长短轴相当、角度正确、恰好绕一圈、并且只有一个环。下图：所有两点间距离的方差中，单凭"
        " a − b 就能解释的比例（随机水平 1/(p − 2)）。个数大于 0，或等变性远高于起点（它与平面的选择无关），才算证据"
        "；"
        "未经训练的网络，类均值也已有少许等变性。频率是在最后一步选出来的，所以曲线最终很高并不意外；值得看的是它们"
        "何时升高。",
    },
    "figure.diagram": {"en": "Loops, found without any label", "zh": "不看标签，能找到环吗？"},
    "caption.diagram": {
        "en": "Join all points that are closer than some distance, and let the distance grow: loops appear (birth, "
        "to the right) and are filled in (death, upwards). Each dot is one loop of the embedding or of the class "
        "means. The longer it lasts the further it lies above the diagonal; both axes are logarithmic, so that an "
        "equal distance above it is an equal death / birth, and in units of the widest gap that must be bridged to "
        "connect the same cloud, so that the size of the weights does not matter. The null: 20 surrogates, clouds "
        "with as many points and the same spread in every direction, but no shape; their loops are the small grey "
        "dots. At most 5% of such clouds would have a loop "
        "above the dashed line, so a dot above it is evidence of a loop. That there is none is no evidence against "
        "circles: p numbers on K circles at once leave only about p^(1/K) points for each, at p near 100 too few to "
        "see from three circles on. Those are counted in the figure before.",
        "zh": "把距离小于某个值的点两两相连，再让这个值逐渐变大：环会出现（横轴），然后被填满而消失（纵轴）。每个点代"
        "表嵌入或类均值中的一个环，存在得越久，离对角线越远。两轴都取对数，离对角线同样远就是消失与出现之比相同；单"
        "位是把同一点云连成一片所要跨过的最大间隙，因此与权重大小无关。对照是 20 份替代数据，即点数相同、各方向的离"
        "散程度相同、但没有任何形状的点云（灰色小点是它们的环）：其中至多 5% 会有越过虚线的环，所以越过虚线的点是环"
        "存在的证据。没有这样的点，却不能说"
        "明没有圆：p 个数同时排在 K 个圆上，每个圆只分到大约 p^(1/K) 个点，p 在 100 左右时，从三个圆起就少得看不出来"
        "了。要数那些圆，请看前面“经得起检验的圆”一图。",
    },
    "figure.order": {"en": "How much of the output follows the rule", "zh": "输出有多少出自规律"},
    "caption.order": {
        "en": "Top, where the task has a group: the share of the logits' variance that depends only on how far a "
        "class lies from the right answer, on all inputs (blue) and on test inputs (light blue, dashed), beside the "
        "test accuracy (orange). 1 is a network that does nothing but the rule, logits without a rule give 0; "
        "knowing a part of it, such as odd from even, counts too. A share that climbs steadily while accuracy still "
        "waits means that the jump lies in counting right answers, not in the network. Bottom: death / birth of the "
        "longest-lived loop of the embedding and of the class means. At 1 there is none, and clouds without shape "
        "have loops a little longer; how much more is evidence depends on the cloud and is the dashed line of the "
        "diagrams above. A low value is no evidence against circles.",
        "zh": "上图（任务有群结构时才有）：logit 的方差中，只取决于某个类别离正确答案多远的那一部分所占的比例，分全部"
        "输入（蓝）和测试输入（浅蓝，虚线），并与测试准确率（橙）对照。1 表示网络完全按规律行事，毫无规律的 logit 则"
        "为 0；只掌握规律的一部分（例如只分得清奇偶）也会计入。如果准确率还没动，这个占比已在稳步上升，那么突变出在“"
        "数对了几题”这种数法上，而不在网络里。下图：嵌入与类均值中存在最久的环，其消失与出现之比。等于 1 表示没有环，"
        "没有形状的点云也会略高于 1；高到多少才算证据，要看具体的点云，即前面那幅图（不看标签找环）中的虚线。数值低，"
        "也不能说明没有圆。",
    },
    "figure.survival": {"en": "How long until it generalises", "zh": "多久才能泛化"},
    "caption.survival": {
        "en": "Each staircase is a group of runs that differ only by their seed: the share that has not generalised "
        "by a step. Bands are 95% confidence; a tick marks runs that ended before they generalised, of which "
        "nothing later is known. Groups differ where their bands part.",
        "zh": "每条阶梯线是一组只有随机种子不同的训练，表示到某一步仍未泛化的比例。色带为 95% 置信区间；短竖线标出尚"
        "未泛化就结束的训练，此后情况未知。色带分开，才说明两组确有差别。",
    },
    "figure.gini": {"en": "How few frequencies carry it", "zh": "频率的稀疏程度"},
    "caption.gini": {
        "en": "The Gini coefficient, known from incomes, of the sizes of all waves in the embedding (blue) and in "
        "the map from MLP neurons to logits (orange): 0 if all frequencies are equally strong, near 1 if a few have "
        "everything. A jump shows the network clearing away all but its key frequencies.",
        "zh": "基尼系数（常用于衡量收入差距）在这里衡量各频率分量的大小：嵌入（蓝）与 MLP 神经元到 logit 的映射（橙"
        "）。"
        "所有频率一样强时为 0，少数频率独占时接近 1。突然上升表示网络正在清除关键频率以外的成分。",
    },
}
