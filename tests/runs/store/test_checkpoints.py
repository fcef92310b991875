"""Checkpoints: the same tensors come back, one replica can be read alone, and a bad file is named."""

import pytest
import torch

from grokscope.errors import StoreError
from grokscope.runs.store import checkpoints


def tensors():
    generator = torch.Generator().manual_seed(0)
    stack = torch.randn(3, 4, 5, generator=generator)
    return {"W_E": stack, "W_U": stack.transpose(1, 2), "row": stack[1], "scale": torch.tensor(2.0)}


def test_round_trip_of_views_of_one_memory(tmp_path):
    path = checkpoints.save(tmp_path, 1000, tensors())
    assert path == tmp_path / "checkpoints" / "step-00001000.safetensors"
    loaded = checkpoints.load(tmp_path, 1000)
    assert loaded.keys() == tensors().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors().items())


def test_one_replica_alone(tmp_path):
    checkpoints.save(tmp_path, 0, tensors())
    loaded = checkpoints.load(tmp_path, 0, replica=2)
    assert torch.equal(loaded["W_U"], tensors()["W_U"][2])
    assert loaded["W_E"].shape == (4, 5)
    assert loaded["scale"] == 2
    with pytest.raises(ValueError, match=r"replica 3 of .*: it has replicas 0 to 2"):
        checkpoints.load(tmp_path, 0, replica=3)


def test_steps_are_sorted_and_temporary_files_are_none(tmp_path):
    assert checkpoints.steps(tmp_path) == []
    for step in (30, 4, 123_456_789, 0):
        checkpoints.save(tmp_path, step, {"W": torch.zeros(1)})
    (tmp_path / "checkpoints" / ".step-00000007.safetensors.0.tmp").write_bytes(b"")
    assert checkpoints.steps(tmp_path) == [0, 4, 30, 123_456_789]


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_a_truncated_file_is_named_with_the_others(tmp_path, kept):
    for step in (1, 2, 3):
        path = checkpoints.save(tmp_path, step, tensors())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        StoreError, match=r"truncated or damaged: .*step-00000003.*; other checkpoints at steps 1, 2$"
    ) as e:
        checkpoints.load(tmp_path, 3)
    assert "\n" not in str(e.value)


def test_a_missing_step_names_the_nearest(tmp_path):
    with pytest.raises(StoreError, match=r"no checkpoint at step 7 in .*: it has no checkpoints"):
        checkpoints.load(tmp_path, 7)
    for step in (0, 5, 10):
        checkpoints.save(tmp_path, step, {"W": torch.zeros(1)})
    with pytest.raises(StoreError, match=r"no checkpoint at step 7 in .*: the nearest is at step 5"):
        checkpoints.load(tmp_path, 7)


def test_the_state_to_resume_from(tmp_path):
    assert checkpoints.load_resume(tmp_path) is None
    checkpoints.save_resume(tmp_path, {"W": torch.zeros(2)}, {"step": 1})
    state = {"W": torch.ones(2), "rng": torch.get_rng_state()}
    checkpoints.save_resume(tmp_path, state, {"step": 7, "note": "ü"})
    loaded = checkpoints.load_resume(tmp_path)
    assert loaded is not None
    assert torch.equal(loaded[0]["rng"], state["rng"])
    assert loaded[1] == {"step": 7, "note": "ü"}
    path = tmp_path / "resume.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"truncated or damaged: .*resume"):
        checkpoints.load_resume(tmp_path)
