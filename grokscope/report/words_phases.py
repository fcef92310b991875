"""What a reader must know of the curves that the phases are read off, in English and Chinese."""

from typing import Literal

PHASES: dict[str, dict[Literal["en", "zh"], str]] = {
    "note.begins_high": {
        "en": "{curve} is {value} at its first evaluation, step {step}: what came before is not in the curve, or it is "
        "in per cent.",
        "zh": "{curve} 在第一次评估（第 {step} 步）就已是 {value}：此前的过程不在曲线里，或者它以百分数计。",
    },
    "note.begins_low": {
        "en": "{curve} is {value} at its first evaluation, step {step}, already within the level {level} that was "
        "asked for.",
        "zh": "{curve} 在第一次评估（第 {step} 步）就已是 {value}，已在所要求的 {level} 之内。",
    },
    "note.relative": {
        "en": "{curve} begins at {value}, step {step}: it is no cross-entropy in nats, or has been learned before. It "
        "is dated where it falls to {level}, a fixed share of where it begins.",
        "zh": "{curve} 从 {value} 开始（第 {step} 步）：它不是以 nat 计的交叉熵，或者此前已经学过。"
        "这里以降到起点的固定份额（{level}）为准。",
    },
    "note.small": {
        "en": "{curve} begins at {value}, step {step}, less than guessing between two classes costs in nats; it is "
        "dated where it falls to {level}.",
        "zh": "{curve} 从 {value} 开始（第 {step} 步），低于在两类之间猜测的代价（以 nat 计）；"
        "这里以降到 {level} 为准。",
    },
    "note.forgotten": {
        "en": "{curve} counts as memorised, and stays beyond {level} again from step {step} on ({value} there).",
        "zh": "{curve} 曾算作已记住，但从第 {step} 步起又一直越过 {level}（该步为 {value}）。",
    },
}
