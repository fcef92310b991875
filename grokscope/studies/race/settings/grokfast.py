"""Grokfast's published setting, with arms that its comparison lacks: the same decay without the filter, and AdamW.

Source: Lee et al. 2024, arXiv:2405.20233, and the released code 93b2248. Departures: all p^2 pairs instead of those
with y >= 1, "a b =" instead of "x op y =", and a budget that two cores can pay instead of 40,000 steps.
"""

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Setting


def _config() -> RunConfig:
    return RunConfig(
        task="binary_operation",
        operation="x*y",
        p=97,
        train_fraction=0.5,
        model="decoder",
        layer_norm="pre",
        activation="gelu",
        positions="learned",
        mlp_biases=True,
        attention_biases=True,
        batch_size=512,
        optimizer="adam",
        learning_rate=1e-3,
        weight_decay=0.0,
        betas=(0.9, 0.98),
        warmup_steps=10,
        max_steps=1500,
        evaluate_every=50,
        stop_after=1_000_000,
    )


grokfast = Setting(
    id="grokfast",
    title={
        "en": "Grokfast's own: x * y mod 97, half of the pairs, two-layer decoder, batch 512",
        "zh": "Grokfast 原文设定：x * y mod 97，一半样本，两层解码器，批大小 512",
    },
    config=_config,
    first_seed=0,
    stays=False,
    split="test",  # as published; the other half of x * y = y * x is often trained on
    arms={
        "Grokfast-EMA, decay 0.005": {"weight_decay": 0.005, "grokfast_gain": 2.0, "grokfast_memory": 0.98},
        "AdamW, decay 1": {"optimizer": "adamw", "weight_decay": 1.0},
        "Adam, decay 0.005": {"weight_decay": 0.005},
        "Adam, decay 0": {},
    },
    of_method={"grokfast_ema": "Grokfast-EMA, decay 0.005"},
    against="Adam, decay 0",
)
