"""All words of a sweep's page and of its heat maps, in English and Chinese."""

from typing import Literal

SWEEP: dict[str, dict[Literal["en", "zh"], str]] = {
    "sweep.title": {"en": "Sweep over {axes}", "zh": "扫描：{axes}"},
    "sweep.lead": {
        "en": "{runs} runs of {recipe} at {cells} settings of {axes}; {reached} of them generalised.",
        "zh": "{recipe} 在 {axes} 的 {cells} 个设置上共 {runs} 次训练，其中 {reached} 次泛化。",
    },
    "sweep.lost": {
        "en": "{n} further runs could not be trained and are in no figure.",
        "zh": "另有 {n} 次训练未能完成，不在任何图中。",
    },
    "sweep.at": {"en": "{title}, at {rest}", "zh": "{title}（{rest} 时）"},
    "sweep.by": {"en": "{title}, by {axis}", "zh": "{title}（按 {axis}）"},
    "sweep.again": {
        "en": "The same command again trains only what is missing.",
        "zh": "再次运行同一命令只训练缺少的部分。",
    },
    "sweep.pooled": {
        "en": "A curve has the runs of all values of the other axes, and of all seeds.",
        "zh": "每条曲线汇集其他各轴的全部取值和全部种子。",
    },
    "figure.heatmap": {"en": "{value} at the end", "zh": "结束时的{value}"},
    "caption.heatmap": {
        "en": "The mean over the seeds of a setting, and below it how far it is known: the 95% interval (the wider of "
        "Student's and Hall's) from five seeds on; of fewer seeds the least and the largest, which is no interval; of "
        "one seed nothing. Where two cells' ranges overlap, their difference may be chance. Runs whose loss was not "
        "finite are left out, and counted when one points at the cell. A run ends when all runs of its pack have "
        "generalised, so that what is read at the end depends a little on its neighbours; when it generalised does "
        "not.",
        "zh": "每格是该设置下各种子的平均值，下方是其不确定性：五个种子以上为 95% 区间（Student 与 Hall 中较宽者）；"
        "更少时为最小值和最大值，不能当作区间；只有一个种子时没有。两格范围重叠时，差别可能出于偶然。损失不再有限的"
        "训练不计入，指向格子可见其数目。同一组的训练全部泛化后才一起结束，因此结束时的数值略受同组影响，何时泛化则不"
        "受影响。",
    },
    "heatmap.mean": {"en": "mean {mean} of {n} runs", "zh": "{n} 次训练的平均值 {mean}"},
    "heatmap.interval": {"en": "95% interval {low} to {high}", "zh": "95% 区间 {low} 至 {high}"},
    "heatmap.range": {"en": "from {low} to {high}", "zh": "范围 {low} 至 {high}"},
    "heatmap.one": {"en": "one run: nothing is known of its spread", "zh": "只有一次训练：离散程度未知"},
    "heatmap.left_out": {"en": "{n} left out: loss not finite", "zh": "{n} 次未计入：损失不再有限"},
    "value.test_accuracy": {"en": "Test accuracy", "zh": "测试准确率"},
    "value.test_loss": {"en": "Test loss", "zh": "测试损失"},
    "missing.sweep": {"en": "No run of this sweep has been trained.", "zh": "这次扫描还没有训练任何一次。"},
}
