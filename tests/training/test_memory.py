"""A pack that would not fit is planned as several."""

import platform
import subprocess
import sys

import pytest
import torch

from grokscope.training import memory
from grokscope.training.memory import in_packs, replica_bytes, shared_bytes
from tests.conftest import tiny

CPU = torch.device("cpu")


def with_room_for(monkeypatch: pytest.MonkeyPatch, replicas: int) -> None:
    needed = shared_bytes(tiny()) + replicas * replica_bytes(tiny())
    monkeypatch.setattr(memory, "machine_bytes", lambda _: (needed + 1) / memory.SHARE)


@pytest.mark.parametrize(("room", "sizes"), [(7, [7]), (6, [4, 3]), (3, [3, 3, 1]), (1, [1] * 7), (0, [1] * 7)])
def test_packs_are_as_large_as_fits(room: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with_room_for(monkeypatch, room)
    configs = [tiny(seed=seed) for seed in range(7)]
    packs = in_packs(configs, CPU)
    assert [len(pack) for pack in packs] == sizes
    assert [config for pack in packs for config in pack] == configs


def test_the_estimate_grows_with_what_takes_memory() -> None:
    base = replica_bytes(tiny())
    for change in ({"p": 31}, {"d_mlp": 2000}, {"dtype": "float64"}):
        assert replica_bytes(tiny(**change)) > 1.2 * base


def test_on_a_gpu_the_activations_of_all_samples_count() -> None:
    gpu = torch.device("cuda")
    assert replica_bytes(tiny(), gpu) > replica_bytes(tiny())
    grown = replica_bytes(tiny(d_mlp=2000), gpu) - replica_bytes(tiny(), gpu)
    assert grown > replica_bytes(tiny(d_mlp=2000)) - replica_bytes(tiny())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are glibc's")
def test_freed_memory_is_kept() -> None:
    code = """
import resource, torch
from grokscope.training.memory import keep_freed_memory
{}
def resident(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
torch.ones(1)
before = resident()
arrays = [torch.ones(5 << 20) for _ in range(2)]
del arrays
print(resident() - before)
"""
    without, kept = (
        int(
            subprocess.run([sys.executable, "-c", code.format(line)], capture_output=True, text=True, check=True).stdout
        )
        for line in ("", "keep_freed_memory()")
    )
    assert without < 10 * 2**20 < 30 * 2**20 < kept  # of two arrays of 20 MiB
