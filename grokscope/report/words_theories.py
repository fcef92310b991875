"""All words of scorecards in English and Chinese; claims and what was measured are in the theories themselves."""

from typing import Literal

THEORIES: dict[str, dict[Literal["en", "zh"], str]] = {
    "scorecard.title": {"en": "Scorecard", "zh": "判定表"},
    "scorecard.lead": {
        "en": "Of {n} predictions {supported} are supported by these runs, {refuted} refuted, {undecided} undecided.",
        "zh": "共 {n} 条预测：{supported} 条得到支持，{refuted} 条被否定，{undecided} 条未定。",
    },
    "scorecard.undecided": {"en": "Undecided are: {reasons}.", "zh": "未定的有：{reasons}。"},
    "undecided.between": {"en": "{n} whose interval lies in neither region", "zh": "{n} 条区间不在任一区域之内"},
    "undecided.not_significant": {"en": "{n} not above chance", "zh": "{n} 条不高于偶然"},
    "undecided.few": {"en": "{n} with fewer than five seeds", "zh": "{n} 条不足五个种子"},
    "undecided.lacking": {"en": "{n} that most seeds do not answer", "zh": "{n} 条多数种子没有答案"},
    "undecided.no_answer": {"en": "{n} without an answer in these runs", "zh": "{n} 条在这些训练中没有答案"},
    "undecided.no_control": {"en": "{n} without their control", "zh": "{n} 条缺少对照"},
    "undecided.control": {"en": "{n} that a control shows too", "zh": "{n} 条对照组也出现"},
    "study.lead": {"en": "Study {study}: {runs} runs.", "zh": "研究 {study}，共 {runs} 次训练。"},
    "study.again": {
        "en": "Judged from the numbers in the store; this reads them again:",
        "zh": "由存储中的数据判定；重新读取并判定：",
    },
    "scorecard.rule": {
        "en": "A prediction is supported or refuted where the interval of its effect over seeds lies inside the "
        "region fixed for that before the data were seen, corrected for the number of predictions (Holm). Fewer than "
        "five seeds decide nothing, and what a control shows too is no evidence.",
        "zh": "效应在种子间的置信区间落在事先划定的区域之内，预测才算得到支持或被否定，并按预测条数做了 Holm 校正。少"
        "于五个种子不作判定；对照组也出现的效应不算证据。",
    },
    "scorecard.caption": {
        "en": "How sure each verdict is: minus the logarithm of its p-value after correction, to the right where the "
        "effect lies in the supporting region, to the left where it lies in the refuting one, 0 where in neither. "
        "Beyond the dotted lines (p = .05) a row is decided, unless a control shows the effect too.",
        "zh": "判定的把握：校正后 p 值的负对数；效应落在支持区画向右，落在否定区画向左，都不在为 0。越过虚线（p = .05"
        "）即作判定，除非对照组也出现同样的效应。",
    },
    "verdict.supported": {"en": "supported", "zh": "支持"},
    "verdict.refuted": {"en": "refuted", "zh": "否定"},
    "verdict.undecided": {"en": "undecided", "zh": "未定"},
    "reason.inside": {"en": "p = {p}", "zh": "p = {p}，区间之内"},
    "reason.between": {"en": "the interval lies in neither region (p = {p})", "zh": "区间不在任一区域之内（p = {p}）"},
    "reason.few": {"en": "n = {n}, needs 5 seeds", "zh": "只有 {n} 个种子，至少要 5 个"},
    "reason.lacking": {
        "en": "{lacking} seeds have no answer, {n} have: {missing}",
        "zh": "{lacking} 个种子没有答案，{n} 个有：{missing}",
    },
    "reason.no_answer": {"en": "no answer: {missing}", "zh": "没有答案：{missing}"},
    "reason.no_control": {"en": "a control was not run: {arms}", "zh": "有对照没有运行：{arms}"},
    "reason.control": {"en": "a control shows it too: {arms}", "zh": "对照组也出现：{arms}"},
    "reason.not_significant": {"en": "not above chance (p = {p})", "zh": "不高于偶然（p = {p}）"},
    "needed.seeds": {"en": "{n} seeds would decide", "zh": "约需 {n} 个种子才能判定"},
    "needed.none": {"en": "{why}", "zh": "无法给出所需种子数：{why}"},
    "scorecard.glance": {"en": "Claims at a glance", "zh": "各主张一览"},
    "glance": {"en": "{verdict}: {what}", "zh": "判为{verdict}：{what}"},
    "glance.parts": {
        "en": "{supported} of {n} parts supported, {refuted} refuted",
        "zh": "{n} 个部分中 {supported} 个支持、{refuted} 个否定",
    },
    "glance.open": {"en": "none of {n} parts is decided", "zh": "{n} 个部分均未定"},
    "glance.none": {"en": "no answer", "zh": "无结果"},
    "column.written": {"en": "as written", "zh": "原文形式"},
    "column.changed": {"en": "as changed", "zh": "修改后的形式"},
    "column.prediction": {"en": "prediction", "zh": "预测"},
    "column.measured": {"en": "measured", "zh": "测量"},
    "column.effect": {"en": "effect", "zh": "效应"},
    "column.regions": {"en": "supports; refutes", "zh": "支持区；否定区"},
    "column.verdict": {"en": "verdict", "zh": "判定"},
    "column.controls": {"en": "controls", "zh": "对照"},
    "row.version": {"en": "version {version}: {changed}", "zh": "第 {version} 版：{changed}"},
    "row.seeds": {"en": "n = {n}", "zh": "n = {n} 个种子"},
    "row.counts": {
        "en": "before the window {before}, within {inside}, after {after}",
        "zh": "窗口之前 {before}，之内 {inside}，之后 {after}",
    },
    "control.none": {"en": "{arm}: no answer", "zh": "{arm}：没有答案"},
    "control.not_run": {"en": "{arm}: not run", "zh": "{arm}：没有运行"},
    "control.value": {"en": "{arm}: {value}", "zh": "{arm}：{value}（对照）"},
    "finite_size.title": {"en": "The transition as the task grows", "zh": "任务变大时的过渡"},
    "finite_size.caption": {
        "en": "Left: how long the share of the logits that follows the rule takes from 20 to 80 % of its rise, over "
        "the step of generalisation, a mark a seed; a phase transition would become sharper with p. Right: how often "
        "that share has each value: two humps with nothing between would be two states.",
        "zh": "左：logit 中服从规则的份额从其升幅的 20% 到 80% 所用的步数与泛化步数之比，每个种子一个点；若是相变，p "
        "越大过渡越陡。右：该份额取各个值的频率；若有两种状态，应是两个峰而中间为空。",
    },
    "axis.dwell": {"en": "steps from 20 to 80%, over t_gen", "zh": "从 20% 到 80% 的步数 ÷ t_gen"},
    "axis.rule_share": {"en": "share of the logits that follows the rule", "zh": "logit 中服从规则的份额"},
    "axis.share_of_time": {"en": "share of evaluations", "zh": "评估占比"},
    "series.median_of_seeds": {"en": "median of seeds", "zh": "各种子的中位数"},
}
