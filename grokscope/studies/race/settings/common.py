"""The common setting: addition mod 29 by a small network, in which every method has the same budget of tuning."""

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Setting


def _config() -> RunConfig:
    return RunConfig(
        task="modular_addition",
        p=29,
        train_fraction=0.55,
        model="embedding_mlp",
        d_embed=24,
        d_mlp=48,
        tied=True,
        combine="add",
        warmup_steps=10,
        betas=(0.9, 0.98),
        max_steps=5000,
        evaluate_every=25,
        stop_after=1_000_000,  # nothing stops early: what comes after is judged too
    )


common = Setting(
    id="common",
    title={
        "en": "addition mod 29, 55 % of the pairs, embeddings of 24 and 48 neurons, full batch",
        "zh": "模 29 加法，55 % 的样本，24 维嵌入与 48 个神经元，全批量",
    },
    config=_config,
    rates=(0.01, 0.03, 0.1, 0.3),
    decays=(0.0, 0.1, 0.3, 1.0),
    tuning_steps=3000,
    negative={
        "random labels": {"random_labels": True},
        "too few data": {"train_fraction": 0.15},
    },
)
