"""Teacher and student of Liu, Michaud & Tegmark 2023, "Omnigrok: grokking beyond algorithmic data".

Source: arXiv:2210.01117, section 3 and the released code: a student with twice PyTorch's initial weights learns the
outputs of a tanh network from 100 inputs. With weight decay gamma its squared norm decays by exp(-2 eta gamma t).
"""

from grokscope.runs.config import RunConfig


def omnigrok2023() -> RunConfig:
    """Student 5-100-100-5 tanh, initial weights times 2, 100 of 200 inputs, AdamW with weight decay 0.05."""
    return RunConfig(
        task="teacher_student",
        n_samples=200,
        n_train=100,
        model="mlp",
        n_hidden=2,
        d_mlp=100,
        activation="tanh",
        init_scale=2.0,
        loss="mse",
        learning_rate=3e-4,
        weight_decay=0.05,
        betas=(0.9, 0.999),
        warmup_steps=0,
        max_steps=20_000,
        evaluate_every=100,
    )
