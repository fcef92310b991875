"""A training of two processes (gloo): one of them is watched; weights in parts are refused."""

import os
import socket
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import grokscope as gs
from tests.watch.networks import pairs, plain, trained

distributed.init_process_group("gloo")
first = distributed.get_rank() == 0
x, y = pairs()
mine = trained().nonzero().flatten()[distributed.get_rank() :: 2]


def weights(watched):
    network = DistributedDataParallel(plain())
    torch.manual_seed(distributed.get_rank())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    options = {"train": trained(), "store": sys.argv[1], "every": 5, "measures": ["weights.norm"]}
    watch = gs.watch(network, x, y, **options) if watched and first else None
    for step in range(1, 41):
        loss = torch.nn.functional.cross_entropy(network(x[mine]), y[mine])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if watch:
            watch.step(step, loss=loss)
    if watch:
        assert watch.close().series("train/accuracy")[1][-1] == 1.0
    return torch.cat([p.detach().flatten() for p in network.parameters()])


assert torch.equal(weights(False), weights(True))
whole = plain()
fully_shard(whole, mesh=init_device_mesh("cpu", (2,)))
if first:
    try:
        gs.watch(whole, x, y, store=sys.argv[1])
    except ValueError as error:
        print(error)
distributed.destroy_process_group()
"""


def test_one_of_two_processes_is_watched(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "runs")],
            env=os.environ | group | {"RANK": str(rank), "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said[0][0].strip() == "its weights are spread over processes (FSDP): a watch needs them whole in one process"
    assert len(list((tmp_path / "runs").iterdir())) == 1
