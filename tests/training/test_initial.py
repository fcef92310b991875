"""Where a replica starts: its own draw, the weights of a file, noise on either."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from grokscope.errors import GrokscopeError
from grokscope.measures.base import evaluate
from grokscope.numerics.gromov import solution
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.export import export_run
from grokscope.runs.run import load
from grokscope.studies.experiment import train
from grokscope.training.initial import initial
from grokscope.training.pack import Pack
from tests.conftest import tiny

CPU = torch.device("cpu")


def gromov(start: Path | None, **fields: object) -> RunConfig:
    own = {"p": 11, "model": "quadratic_mlp", "d_mlp": 60, "loss": "mse", "dtype": "float64", "warmup_steps": 0}
    return RunConfig(**own | {"start": None if start is None else str(start)} | fields)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "solution.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in solution(11, 60).items()}, path)
    return path


def test_a_run_starts_where_another_ended(tmp_path: Path) -> None:
    first = train(tiny(max_steps=5), store=tmp_path, progress=False)
    path = export_run(first, "safetensors", tmp_path / "weights.safetensors")
    second = train(tiny(max_steps=5, seed=7, start=str(path)), store=tmp_path, progress=False)
    for name, tensor in first.snapshot().params.items():
        assert torch.equal(second.snapshot(0).params[name], tensor)
        assert not torch.equal(second.snapshot().params[name], tensor)
    assert load(second.folder).config == second.config
    # The split is that of the run's own seed.
    assert torch.equal(second.snapshot().train_mask, tiny(seed=7).train_mask(tiny().build_task()))


def test_a_replica_of_a_pack_starts_by_itself(weights: Path) -> None:
    pack = Pack([gromov(None), gromov(weights), gromov(weights, init_scale=2.0)], device=CPU)
    known = solution(11, 60)
    for name, tensor in known.items():
        assert torch.equal(pack.tensors[name][1], tensor)
        assert torch.equal(pack.tensors[name][2], 2 * tensor)
        assert torch.equal(pack.tensors[name][0], initial(gromov(None), pack.model)[name].double())


def test_noise_is_relative_to_each_tensor_and_drawn_by_the_seed(weights: Path) -> None:
    model = Pack([gromov(weights)], device=CPU).model
    known = solution(11, 60)
    found = initial(gromov(weights, init_noise=0.5), model)
    for name, tensor in known.items():
        ratio = (found[name] - tensor).square().mean().sqrt() / tensor.square().mean().sqrt()
        assert ratio == pytest.approx(0.5, rel=0.1)
    again, other = (initial(gromov(weights, init_noise=0.5, seed=seed), model) for seed in (0, 1))
    assert torch.equal(found["W_in"], again["W_in"])
    assert not torch.equal(found["W_in"], other["W_in"])


def test_the_closed_form_stays_under_noise(weights: Path, tmp_path: Path) -> None:
    """Trained from Gromov's solution with a tenth of noise the network still adds, on what it was never shown."""
    config = gromov(weights, init_noise=0.1, optimizer="adam", learning_rate=1e-3, max_steps=200, train_fraction=0.5)
    snap = train(config, store=tmp_path, progress=False).snapshot()
    assert evaluate("behaviour.test_accuracy", snap) == 1.0
    relation = evaluate("circuits.phase_relation", snap, about="zero")
    assert isinstance(relation, float)
    assert relation > 0.95
    assert np.array_equal(snap.train_mask, config.train_mask(config.build_task()))


def test_the_same_path_with_other_weights_is_another_run(weights: Path) -> None:
    before = gromov(weights)
    save_file({name: tensor.contiguous() for name, tensor in solution(11, 60, seed=1).items()}, weights)
    after = gromov(weights)
    assert pack_id([before]) != pack_id([after])
    with pytest.raises(GrokscopeError, match="another file than when this config was made"):
        Pack([before], device=CPU)
    assert before.replace(start=str(weights)) == after
    assert before.replace(start=None).start_hash is None
    assert RunConfig.model_validate_json(after.model_dump_json()) == after


def test_a_run_is_named_by_the_weights_it_starts_from_not_by_their_place(weights: Path, tmp_path: Path) -> None:
    other = shutil.copy(weights, tmp_path / "other.safetensors")
    here, there = gromov(weights, max_steps=2), gromov(Path(other), max_steps=2)
    assert pack_id([here]) == pack_id([there])
    assert here.key == there.key != here.replace(init_noise=0.1).key
    first = train(here, store=tmp_path, progress=False)
    weights.unlink()
    assert train(there, store=tmp_path, progress=False).id == first.id


def test_files_that_cannot_be_started_from_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read start = .*nothing\.safetensors: No such file"):
        gromov(tmp_path / "nothing.safetensors")
    with pytest.raises(GrokscopeError, match=r"W_in: the file has \(22, 60\), this network \(22, 50\)"):
        Pack([gromov(weights, d_mlp=50)], device=CPU)
    save_file({"W_in": solution(11, 60)["W_in"]}, weights)
    with pytest.raises(GrokscopeError, match=r"W_out: the file has no tensor, this network \(60, 11\)"):
        Pack([gromov(weights)], device=CPU)
    weights.write_bytes(b"no tensors")
    with pytest.raises(GrokscopeError, match="is no safetensors file"):
        Pack([gromov(weights)], device=CPU)
    gone = gromov(weights)
    weights.unlink()
    with pytest.raises(GrokscopeError, match="cannot read start"):
        Pack([gone], device=CPU)
