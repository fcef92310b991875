"""Lion against the update that the paper prints."""

from types import SimpleNamespace

import torch

from grokscope.registry import component

RATE, DECAY = 0.01, 0.3
REPLICAS = [(0.9, 0.99), (0.95, 0.98), (0.0, 0.5)]


def test_twenty_steps_are_algorithm_2_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(len(REPLICAS), 30, generator=generator, dtype=torch.float64)
    gradients = torch.randn(20, len(REPLICAS), 30, generator=generator, dtype=torch.float64)
    params, column = start.clone(), torch.ones(len(REPLICAS), 1, dtype=torch.float64)
    lion = component("training.optimizers", "lion")([SimpleNamespace(betas=betas) for betas in REPLICAS], params)
    for step, gradient in enumerate(gradients):
        lion.update(params, gradient, step=step, rates=RATE * column, decay=DECAY * column)
    for replica, (beta1, beta2) in enumerate(REPLICAS):
        theta, m = start[replica].tolist(), [0.0] * 30
        for gradient in gradients[:, replica].tolist():
            for i, g in enumerate(gradient):
                c = beta1 * m[i] + (1 - beta1) * g
                theta[i] -= RATE * ((c > 0) - (c < 0) + DECAY * theta[i])
                m[i] = beta2 * m[i] + (1 - beta2) * g
        expected = torch.tensor(theta, dtype=torch.float64)
        torch.testing.assert_close(params[replica], expected, atol=1e-12, rtol=0)


def test_what_has_no_gradient_does_not_move() -> None:
    params, column = torch.zeros(1, 4), torch.ones(1, 1, dtype=torch.float64)
    lion = component("training.optimizers", "lion")([SimpleNamespace(betas=(0.9, 0.99))], params)
    lion.update(params, torch.zeros(1, 4), step=0, rates=column, decay=column)
    assert not params.any()
