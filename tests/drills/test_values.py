"""Values and files that nobody means: one clear line, exit code 2, within two seconds and 1 GiB."""

import io
import os
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.recipes.base import recipe
from tests.drills._children import Outcome, drilled, refused

NESTED = "[" * 60_000 + "]" * 60_000  # an argument may be 128 KiB long
BOMB = 1 << 28  # bytes that shrink a thousandfold
LONG = "a" * 100_000


def _run(*words: str | bytes) -> list[str | bytes]:
    return ["run", "quickstart", "--out", "store", "--no-report", *words]


def _set(*assignments: str) -> list[str | bytes]:
    return _run(*(word for text in assignments for word in ("--set", text)))


# Sizes: parameters, activations, inputs, disk.
SIZES = {
    "d_model": _set("d_model=1000000000"),
    "d_mlp": _set("d_mlp=10000000000"),
    "d_head": _set("d_head=1000000000"),
    "n_heads": _set("d_model=1000000000", "n_heads=1000000000"),
    "extra_outputs": _set("extra_outputs=100000000000"),
    "n_layers": _set("model=decoder", "n_layers=1000000000"),
    "n_hidden": _set("model=mlp", "n_hidden=1000000000"),
    "d_embed": _set("model=embedding_mlp", "d_embed=1000000000000"),
    "p": _set("p=1000000000"),
    "group": _set("task=group_operation", "group=symmetric(100000)"),
    "product": _set("task=group_operation", "group=" + "x".join(["Z7"] * 2000)),
    "bits": _set("task=sparse_parity", "model=mlp", "n_bits=10000", "n_samples=1000000"),
    "features": _set("task=teacher_student", "model=mlp", "loss=mse", "n_features=10000", "n_samples=1000000"),
    "teacher": _set("task=teacher_student", "model=mlp", "loss=mse", "teacher_width=10000", "teacher_depth=100"),
    "dimension": _set("task=polynomial_regression", "model=mlp", "loss=mse", "dimension=10000", "n_samples=1000000"),
    "batch_size": _set("batch_size=100000000000"),
    "bottleneck_rank": _set("bottleneck=resid_mid", "bottleneck_rank=100000000000"),
    "seeds": _run("--seeds", "1000000"),
    "seeds and more": _run("--seeds", "1000000000000000000000"),
    "max_steps and more": _set("max_steps=" + "9" * 400),
    "evaluate_every": _set("evaluate_every=0"),
    "sweep seeds": ["sweep", "quickstart", "--grid", "p=7,11", "--seeds", "1000000", "--store", "store"],
    "sweep cells": [
        "sweep", "quickstart", "--store", "store",
        *(w for f in ("learning_rate", "weight_decay", "init_scale", "output_scale", "init_noise")
          for w in ("--grid", f"{f}={','.join(map(str, range(1, 400)))}")),
    ],
    "sweep d_model": ["sweep", "quickstart", "--grid", "d_model=1000000000,2000000000", "--store", "store"],
    "sweep batch": ["sweep", "quickstart", "--grid", "batch_size=100000000000", "--dry-run", "--store", "store"],
    "study seeds": ["study", "weight_efficiency", "--scale", "tiny", "--seeds", "1000000", "--store", "store"],
    "seeds, a word": _run("--seeds", "abc"),
    "seeds, infinite": _run("--seeds", "1e400"),
    "seeds, nothing": _run("--seeds", ""),
    "workers": ["sweep", "quickstart", "--grid", "weight_decay=1,2", "--workers", "0", "--store", "store"],
}  # fmt: skip

# Numbers that are none, that are too large, and text in their place.
NUMBERS = {
    "nan rate": _set("learning_rate=NaN"),
    "inf decay": _set("weight_decay=Infinity"),
    "1e400": _set("weight_decay=1e400"),
    "1e400 steps": _set("max_steps=1e400"),
    "nan in a tuple": _set("betas=[NaN,0.9]"),
    "nan in a mapping": _set('tensor_rates={"W_E":NaN}'),
    "nan accuracy": _set("stop_accuracy=NaN"),
    "2^63 seed": _set(f"seed={2**63}"),
    "2^63 seeds counted up": [*_set(f"seed={2**63 - 1}"), "--seeds", "2"],
    "2^63 heads": _set(f"n_heads={2**63}"),
    "2^63 warm-up": _set(f"warmup_steps={2**63}"),
    "2^64 decay start": _set(f"weight_decay_start={2**2000}"),
    "5000 digits": _set("p=" + "9" * 5000),
    "nested list": _set(f"betas={NESTED}"),
    "nested, half": _set("p=" + "[" * 100_000),
    "nested object": _set("p=" + '{"a":' * 20_000),
    "nested grid": ["sweep", "quickstart", "--grid", "p=" + "[" * 100_000, "--store", "store"],
    "empty": _set(""),
    "empty value": _set("p="),
    "empty name": _set("=1"),
    "empty start": _set("start="),
    "empty task": _set("task="),
    "long value": _set(f"task={LONG}"),
    "long number": _set(f"p={LONG}"),
    "long field": _set(f"{LONG}=1"),
    "long start": _set(f"start={LONG}"),
    "NUL": _set(r'start="a\u0000b"'),
    "NUL task": _set(r'task="a\u0000b"'),
    "half a character": _set(r'start="\ud800"'),
    "not UTF-8": _run("--set", b"start=\xff"),
    "timeout": ["query", "select 1", "--timeout", "nan", "--store", "store"],
    "bench seconds": ["bench", "train_step", "--seconds", "nan"],
}

STORES = {
    "store not UTF-8": ["run", "quickstart", "--out", b"\xff"],
    "store not UTF-8, list": ["list", "--store", b"\xff"],
    "store not UTF-8, query": ["query", "select 1", "--store", b"\xff"],
    "store empty": ["run", "quickstart", "--out", ""],
    "store long": ["run", "quickstart", "--out", LONG],
    "store long, list": ["list", "--store", LONG],
    "recipe long": ["run", LONG],
    "command long": [LONG],
    "import long": ["import", LONG, "--as", "safetensors"],
    "import out empty": ["import", "fifo", "--as", "safetensors", "--out", ""],
}


def _files(folder: Path) -> None:
    """Files that are none, or not what they say."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    (folder / "endless").symlink_to("/dev/zero")
    with open(folder / "sparse.safetensors", "wb") as file:  # 200 GB that take no disk
        file.truncate(200 * 10**9)
    with open(folder / "zeros.safetensors", "wb") as file:
        file.truncate(3 * 10**9)
    torch.save({"W_E": torch.zeros(2, 2)}, file := io.BytesIO())
    with zipfile.ZipFile(file) as kept, zipfile.ZipFile(folder / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in kept.namelist():
            data = kept.read(name)
            with bomb.open(name, "w") as member:
                member.write(data if not name.endswith("data/0") else data + b"\0" * BOMB)
    (folder / "bomb.pth").write_bytes((folder / "bomb.pt").read_bytes())
    with zipfile.ZipFile(folder / "bomb.npy", "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("a.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<i8", "fortran_order": False, "shape": (BOMB // 8,)})
        member.write(b"\0" * BOMB)
    with open(folder / "header.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<i8", "fortran_order": False, "shape": (10**12,)})
    (folder / "nested.json").write_text("[" * 10**6)
    torch.save(OrderedDict(W_E=torch.zeros(1).expand(10**6, 10**6)), folder / "expanded.pt")
    torch.save({"W_E": torch.zeros(3, 4, device="meta")}, folder / "meta.pt")
    torch.save({"W_E": torch.eye(3).to_sparse()}, folder / "sparse.pt")
    with warnings.catch_warnings():  # torch is about to drop them; files of them stay
        warnings.simplefilter("ignore")
        torch.save({"W_E": torch.quantize_per_tensor(torch.zeros(3, 4), 0.1, 0, torch.qint8)}, folder / "quantised.pt")
    config = recipe("quickstart", p=7, d_model=8, n_heads=2, d_mlp=8)
    torch.save(config.build_model(config.build_task()).init(torch.Generator()), folder / "small.pt")


def _import(file: str, *more: str) -> list[str | bytes]:
    return ["import", file, "--as", "transformer-lens", "--set", "p=7", "--out", "store", *more]


FILES = {
    **{
        f"start {name}": _set(f"start={name}")
        for name in ("fifo", "folder", "/dev/zero", "/dev/urandom", "endless", "sparse.safetensors",
                     "zeros.safetensors")
    },
    **{
        f"import {name}": _import(name)
        for name in ("fifo", "folder", "/dev/zero", "endless", "sparse.safetensors", "bomb.pt", "bomb.pth",
                     "expanded.pt", "meta.pt", "sparse.pt", "quantised.pt")
    },
    **{
        f"mask {name}": _import("small.pt", "--train-mask", name)
        for name in ("fifo", "folder", "bomb.pt", "bomb.npy", "header.npy", "nested.json")
    },
    "mnist": _set("task=mnist", "model=mlp", "path=folder"),
}  # fmt: skip

# What Python is given: no traceback of another kind than ValueError, and one line.
CALLS = {
    "snapshot list": "gs.snapshot([1, 2], p=7)",
    "snapshot None": "gs.snapshot(None, p=7)",
    "snapshot text": "gs.snapshot('weights', p=7)",
    "snapshot number": "gs.snapshot(3, p=7)",
    "snapshot nothing": "gs.snapshot({}, p=7)",
    "snapshot nested": "gs.snapshot({'blocks': {'0': {'W_Q': torch.eye(3)}}}, p=7)",
    "snapshot of texts": "gs.snapshot({'W_E': 'a'}, p=7)",
    "snapshot of None": "gs.snapshot({'W_E': None}, p=7)",
    "snapshot of lists": "gs.snapshot({'W_E': [[1.0], [1.0, 2.0]]}, p=7)",
    "snapshot deep": "x = []\nfor _ in range(10**5): x = [x]\ngs.snapshot({'W_E': x}, p=7)",
    "snapshot by numbers": "gs.snapshot({1: torch.eye(3)}, p=7)",
    "snapshot of objects": "gs.snapshot({'W_E': object()}, p=7)",
    "snapshot meta": "gs.snapshot({'W_E': torch.zeros(3, 4, device='meta')}, p=7)",
    "snapshot sparse": "gs.snapshot({'W_E': torch.eye(3).to_sparse()}, p=7)",
    "snapshot quantised": "import warnings\nwarnings.simplefilter('ignore')\n"
    "gs.snapshot({'W_E': torch.quantize_per_tensor(torch.eye(3), 1., 0, torch.qint8)}, p=7)",
    "snapshot expanded": "gs.snapshot({'W_E': torch.zeros(1).expand(10**6, 10**6)}, p=7)",
    "thresholds nan": "from grokscope.statistics.transitions import phases\n"
    "phases([1, 2], train_accuracy=[0, 1], train_threshold=float('nan'))",
    "thresholds inf": "from grokscope.statistics.transitions import phases\n"
    "phases([1, 2], train_loss=[0, 1], loss_threshold=float('inf'))",
    "gap nan": "from grokscope.statistics.transitions import phases\n"
    "phases([1, 2], train_loss=[0, 1], gap=float('nan'))",
    "ratio nan": "from grokscope.statistics.transitions import phases\n"
    "phases([1, 2], train_loss=[0, 1], ratio=float('nan'))",
    "level nan": "from grokscope.statistics.intervals import mean_effect\n"
    "mean_effect([1.0, 2.0, 3.0], level=float('nan'))",
    "key nan": "from grokscope.numerics.fourier import key_frequencies\n"
    "key_frequencies(torch.eye(12), threshold=float('nan'))",
    "algorithm nan": "from grokscope.statistics.clock_pizza import algorithm\n"
    "algorithm(0.9, 0.1, min_symmetricity=float('nan'))",
    "region nan": "from grokscope.statistics.regions import above\nabove(float('nan'))",
    "measure nan": "from grokscope.runs.snapshot import Snapshot\n"
    "config = gs.recipe('quickstart', p=7)\ntask = config.build_task()\nmodel = config.build_model(task)\n"
    "params, mask = model.init(torch.Generator()), config.train_mask(task)\n"
    "snap = Snapshot(task=task, model=model, params=params, train_mask=mask)\n"
    "gs.measure('circuits.key_frequencies', snap, threshold=float('nan'))",
    "train None": "gs.train(None, store='store')",
    "train numbers": "gs.train([1, 2], store='store')",
    "train NUL": "gs.train(gs.recipe('quickstart', max_steps=1), store='a\\0b', progress=False)",
    "train empty store": "gs.train(gs.recipe('quickstart', max_steps=1), store='', progress=False)",
    "train d_model": "gs.train(gs.recipe('quickstart', d_model=10**9), store='store', progress=False)",
    "query nan": "from grokscope.runs.store.query import query\n"
    "from pathlib import Path\nquery(Path('store'), 'select 1', timeout=float('nan'))",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("values")
    _files(folder)
    before = _names(folder)
    found = drilled({**SIZES, **NUMBERS, **STORES, **FILES, **CALLS}, folder)
    found["left behind"] = Outcome(
        code=0, out=" ".join(sorted(_names(folder) - before)), err="", seconds=0, mebibytes=0, killed=""
    )
    return found


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix not in (".out", ".err")}


@pytest.mark.parametrize("name", [*SIZES, *NUMBERS, *STORES, *FILES])
def test_a_bad_value_costs_a_line(outcomes: dict[str, Outcome], name: str) -> None:
    assert not (wrong := refused(outcomes[name])), wrong
    if name in FILES:
        file = name.rsplit(maxsplit=1)[-1]
        said = {
            "meta.pt": "W_E is a meta",
            "sparse.pt": "W_E is sparse",
            "quantised.pt": "W_E is quantised",
            "expanded.pt": "W_E is an expanded",
            "nested.json": "nested too deep",
            "mnist": "MNIST",
        }.get(file, file)
        assert said in outcomes[name].err


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_argument_is_a_value_error_of_one_line(outcomes: dict[str, Outcome], name: str) -> None:
    one = outcomes[name]
    assert not one.killed, f"{one.killed}: {one.seconds} s, {one.mebibytes} MiB"
    assert one.err.startswith("ValueError: "), one.err[-300:]
    assert one.err.count("\n") == 1, one.err
    assert len(one.err) < 2000


def test_nothing_is_left_behind(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["left behind"].out == ""
