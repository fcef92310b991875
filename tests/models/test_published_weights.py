"""The network of Zhong et al. 2023 from its released weights (MIT licence beside them in tests/data/pizza)."""

from pathlib import Path

import pytest
import torch

from grokscope.measures.base import evaluate
from grokscope.runs.foreign.snapshot import snapshot

FILE = Path(__file__).parents[1] / "data" / "pizza" / "model_p99zdpze5l.pt"


def test_model_a_has_its_published_loss_and_norm() -> None:
    """arXiv:2306.17844, model A: every answer right, loss 1.384e-7 over all inputs, norm 22.854."""
    released = torch.load(FILE, weights_only=True, map_location="cpu")
    w = {name.rpartition(".")[2]: tensor for name, tensor in released.items()}
    params = {name: w[name] for name in ("W_pos", "b_in", "b_out", "W_U")}
    params |= {name: w[name].T for name in ("W_E", "W_in", "W_out")}
    params |= {name: w[name].transpose(1, 2) for name in ("W_Q", "W_K", "W_V")}
    params["W_O"] = w["W_O"].T.reshape(4, 32, 128)
    snap = snapshot(params, task="modular_addition", p=59, model="transformer", attention_rate=0.0)
    assert bool(snap.correct.all())
    assert snap.mean(snap.sample_losses, "all") == pytest.approx(1.384e-7, rel=5e-4)
    assert evaluate("weights.norm", snap) == pytest.approx(22.854, abs=5e-4)
    assert snap.model.settings.equals_token is False
