"""Sinks: what each service has, asked through its own reader; and what the training feels of them, which is nothing."""

import importlib
import json
import math
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from grokscope.errors import GrokscopeError, Missing
from grokscope.registry import names
from grokscope.watch.sinks.base import FAMILY, Sinks, open_sink
from grokscope.watch.sinks.mlflow import legal

CONFIG = {"lr": 1e-3, "model": {"width": 128}}
VIEWED = "manifold.dimension[resid_mid/frequency=3]"
# Numbers that float32 holds exactly: TensorBoard keeps no more.
SENT = [(0, {"weights.norm": 31.25, VIEWED: 1.5}), (100, {"weights.norm": 30.5}), (250, {VIEWED: 1.0})]
FIGURE = go.Figure(go.Scatter(x=[0, 1], y=[2, 3]), {"title": {"text": "a drawn curve"}})


def about(folder: Path, run_id: str = "3f2a-0") -> dict[str, Any]:
    return {"run_id": run_id, "config": CONFIG, "folder": folder}


def send(sinks: Sinks) -> None:
    for step, values in SENT:
        sinks.scalars(step, values | {"a": math.nan, "b": None, "c": Missing("no data"), "d": math.inf})
    sinks.figure("grokking_curve", FIGURE)


def by_name(sent: Any = SENT) -> dict[str, list[tuple[int, float]]]:
    """Name -> (step, value)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for step, values in sent:
        for name, value in values.items():
            found.setdefault(name, []).append((step, value))
    return found


# TensorBoard


def on_the_board(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], set[str]]:
    """Scalars, and tags of texts, as TensorBoard reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        board = EventAccumulator(str(folder))
        board.Reload()
    scalars = {tag: [(one.step, one.value) for one in board.Scalars(tag)] for tag in board.Tags()["scalars"]}
    return scalars, set(board.Tags()["tensors"])


def test_tensorboard_has_every_finite_number_and_a_page_of_each_figure(tmp_path: Path) -> None:
    sinks = Sinks("tensorboard", **about(tmp_path))
    send(sinks)
    sinks.close()
    scalars, texts = on_the_board(tmp_path / "tensorboard")
    assert scalars == by_name()
    assert texts == {"config/text_summary", "figures/grokking_curve/text_summary"}
    assert "a drawn curve" in (tmp_path / "tensorboard" / "figures" / "grokking_curve.html").read_text()


def test_a_writer_of_the_users_stays_open(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", 2.0, 0)
        sinks = Sinks([writer], **about(tmp_path / "none"))
        send(sinks)
        sinks.close()
        writer.add_scalar("loss", 1.0, 1)
    assert on_the_board(tmp_path)[0] == by_name() | {"loss": [(0, 2.0), (1, 1.0)]}
    assert not (tmp_path / "none").exists()
    assert len(list(tmp_path.glob("*tfevents*"))) == 1  # a closed writer would begin a second file


# Weights & Biases


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name))


def records(content: bytes) -> Iterator[bytes]:
    """The records of a .wandb file, which is a log of LevelDB (its doc/log_format.md) after a head of 7 bytes: blocks
    of 32,768 bytes; a piece has a checksum (4), its length (2) and its kind: 1 whole, 2 first, 3 middle, 4 last."""
    assert content[:4] == b":W&B"
    place, parts = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts = (b"" if kind in (1, 2) else parts) + content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield parts


def offline_records(folder: Path) -> list[Any]:
    """Of the one offline run in a folder, once it has ended: `finish` returns before the last of it is on the disk."""
    kind_of_record = importlib.import_module("wandb.proto.wandb_internal_pb2").Record
    (file,), deadline = folder.glob("wandb/offline-run-*/run-*.wandb"), time.monotonic() + 60
    while True:
        found = []
        for data in records(file.read_bytes()):
            found.append(record := kind_of_record())
            record.ParseFromString(data)
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def in_offline_files(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of the history, and the config."""
    rows, config = [], {}
    for record in offline_records(folder):
        kind = record.WhichOneof("record_type")
        if kind == "history":
            items = [(item.key or "/".join(item.nested_key), item.value_json) for item in record.history.item]
            rows.append({name: json.loads(value) for name, value in items})
        elif kind == "run":
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    return rows, config


def test_wandb_offline_has_every_finite_number_at_its_step(tmp_path: Path, offline: None) -> None:
    sinks = Sinks(["wandb"], **about(tmp_path))
    send(sinks)
    sinks.close()
    rows, config = in_offline_files(tmp_path)
    found = [
        (row["_step"], {name: row[name] for name in row if "." in name and "/figures" not in name}) for row in rows
    ]
    assert by_name(found) == by_name()
    assert any("figures/grokking_curve/path" in row for row in rows)
    assert {name: config[name] for name in CONFIG} == CONFIG
    (page,) = tmp_path.glob("wandb/offline-run-*/files/media/html/**/*.html")
    assert "a drawn curve" in page.read_text()


@pytest.mark.parametrize("logs", ["each step", "epochs", "nothing"])
def test_a_run_of_the_users_keeps_its_rows_and_steps_and_gets_all_of_ours(
    tmp_path: Path, offline: None, logs: str
) -> None:
    import wandb

    run = wandb.init(project="theirs", dir=str(tmp_path), settings=wandb.Settings(console="off"))
    sinks = Sinks([run], **about(tmp_path))
    for step in range(8):
        if logs == "each step":
            run.log({"mine": step})
        elif logs == "epochs" and step % 4 == 3:
            run.log({"mine": step}, step=1 + step // 4)
        sinks.scalars(step, {"weights.norm": 2.0 * step})
    sinks.close()
    run.finish()
    rows, _ = in_offline_files(tmp_path)
    theirs = {"each step": {step: step for step in range(8)}, "epochs": {1: 3, 2: 7}, "nothing": {}}[logs]
    assert {row["_step"]: row["mine"] for row in rows if "mine" in row} == theirs
    ours = [(row["grokscope/step"], row["grokscope/weights.norm"]) for row in rows if "grokscope/step" in row]
    assert sorted(ours) == [(step, 2.0 * step) for step in range(8)]


# MLflow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen]]:
    """A tracking server on this machine: its address, and its process."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", str(folder / "files")]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.txt").open("w") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, (folder / "server.txt").read_text()
            assert time.monotonic() < deadline, (folder / "server.txt").read_text()
            time.sleep(0.2)
    yield address, process
    stop(process)


def stop(process: subprocess.Popen) -> None:
    """The server with its workers, which are of its process group."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.fixture
def tracked(server: tuple[str, subprocess.Popen], monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow, set to the server, and a client of it."""
    import mlflow

    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(server[0])
    return mlflow, mlflow.MlflowClient(server[0])


def told(client: Any, run: str, names: Any) -> dict[str, list[tuple[int, float]]]:
    return {name: [(one.step, one.value) for one in client.get_metric_history(run, name)] for name in names}


def found_by_tag(client: Any, run_id: str) -> Any:
    experiment = client.get_experiment_by_name("grokscope").experiment_id
    return client.search_runs([experiment], f"tags.`grokscope.run` = '{run_id}'")


def test_a_server_of_mlflow_has_every_finite_number_config_and_figure(tracked: Any, tmp_path: Path) -> None:
    _, client = tracked
    sinks = Sinks(["mlflow"], **about(tmp_path, "of its own"))
    send(sinks)
    (run,) = found_by_tag(client, "of its own")
    assert run.info.status == "RUNNING"
    sinks.close()
    run = client.get_run(run.info.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "of its own")
    assert run.data.params == {"lr": "0.001", "model.width": "128"}
    found = told(client, run.info.run_id, run.data.metrics)
    assert found == {
        "weights.norm": by_name()["weights.norm"],
        "manifold.dimension resid_mid/frequency-3": by_name()[VIEWED],
    }
    page = client.download_artifacts(run.info.run_id, "figures/grokking_curve.html", str(tmp_path))
    assert "a drawn curve" in Path(page).read_text()


def test_runs_and_clients_of_the_users_are_used_and_stay_open(tracked: Any, tmp_path: Path) -> None:
    module, client = tracked
    with module.start_run() as run:
        for given in (module, run, "mlflow"):
            sinks = Sinks([given], **about(tmp_path))
            sinks.scalars(7, {"weights.norm": 1.0})
            sinks.close()
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
    assert told(client, run.info.run_id, ["weights.norm"]) == {"weights.norm": [(7, 1.0)] * 3}
    sinks = Sinks([client], **about(tmp_path, "by a client"))
    sinks.close()
    (own,) = found_by_tag(client, "by a client")
    assert own.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("weights.norm", "weights.norm"),
        ("train/loss", "train/loss"),
        ("attention.entropy[head=0]", "attention.entropy head-0"),
        ("manifold.betti[resid_mid/orbits/share=0.1]", "manifold.betti resid_mid/orbits/share-0.1"),
        ("a.b[c/../d]", r"d-[0-9a-f]{6}"),
        ("Übergang/学", "Übergang/学"),
        ("a (b, c)", r"a_b_c-[0-9a-f]{6}"),
        ("lr=1e-05", r"lr_1e-05-[0-9a-f]{6}"),
        ("../../etc", r"etc-[0-9a-f]{6}"),
        ("/a//b", r"a/b-[0-9a-f]{6}"),
        ("", r"-[0-9a-f]{6}"),
        ("x" * 300, r"x{243}-[0-9a-f]{6}"),
    ],
)
def test_mlflow_takes_each_name(name: str, expected: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    assert re.fullmatch(expected, legal(name))
    _validate_metric_name(legal(name))


def test_two_names_stay_two() -> None:
    alike = [
        "a(b)",
        "a[b]",
        "a b",
        "a_b",
        "a=b",
        "a-b",
        "a/b",
        "a//b",
        "./a/b",
        "a[b=c]",
        "a[b/c]",
        "a b-c",
        "x" * 250,
        "x" * 251,
        "x" * 252,
    ]
    assert len({legal(name) for name in alike}) == len(alike)


# Look-alikes, functions, and what fails


class LookAlike:
    """What trackio, swanlab and others take."""

    def __init__(self, **init: Any) -> None:
        self.init, self.rows, self.ended = init, [], False

    def log(self, values: dict[str, Any], step: int | None = None) -> None:
        self.rows.append((step, values))

    def finish(self) -> None:
        self.ended = True


def test_a_look_alike_of_wandb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[LookAlike] = []

    class Module:
        @staticmethod
        def init(project: str, name: str, config: dict[str, Any], embed: bool) -> LookAlike:
            made.append(LookAlike(project=project, name=name, config=config))
            return made[-1]

    monkeypatch.setitem(sys.modules, "trackio", Module)  # type: ignore[arg-type]
    sinks = Sinks(["trackio", theirs := LookAlike()], **about(tmp_path))
    send(sinks)
    sinks.close()
    assert made[0].init == {"project": "grokscope", "name": "3f2a-0", "config": CONFIG}
    assert by_name(made[0].rows) == by_name(theirs.rows) == by_name()
    assert (made[0].ended, theirs.ended) == (True, False)


def test_a_function_gets_the_finite_numbers(tmp_path: Path) -> None:
    got: list[Any] = []
    sinks = Sinks([lambda step, values: got.append((step, values))], **about(tmp_path))
    send(sinks)
    sinks.scalars(300, {"a": math.nan, "tensor": torch.tensor(2.0), "numpy": np.float32(0.5), "vector": [1.0, 2.0]})
    sinks.scalars(400, {"a": math.nan})
    assert got == [*SENT, (300, {"tensor": 2.0, "numpy": 0.5})]


def test_a_sink_that_fails_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    got, asked = [], []

    def full(step: int, values: Any) -> None:
        asked.append(step)
        raise OSError("the disk\nis full")

    sinks = Sinks([full, lambda step, values: got.append(step)], **about(tmp_path))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for step in range(4):
            sinks.scalars(step, {"a": 1.0})
        sinks.close()
    (warning,) = said
    assert str(warning.message) == (
        "the sink full failed and is switched off: the disk is full; the store has all numbers"
    )
    assert warning.filename == __file__
    assert (asked, got) == ([0], [0, 1, 2, 3])


def test_a_server_that_goes_away_is_left_after_seconds(
    tracked: Any, server: tuple[str, subprocess.Popen], tmp_path: Path
) -> None:
    sinks = Sinks(["mlflow"], **about(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    (sink,) = sinks._open.values()
    sink._client = tracked[0].MlflowClient(address)  # type: ignore[attr-defined]  as if the server had moved away
    began = time.monotonic()
    with pytest.warns(UserWarning, match="the sink mlflow failed and is switched off"):
        sinks.scalars(0, {"a": 1.0})
    assert time.monotonic() - began < 60  # MLflow by itself asks for four minutes
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


@pytest.mark.parametrize("name", names(FAMILY))
def test_a_missing_package_is_one_line_with_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    got: list[int] = []
    with pytest.raises(GrokscopeError) as error:
        Sinks([lambda step, values: got.append(step), name], **about(tmp_path))
    extra = f"grokscope[{name}]" if name != "trackio" else name
    assert re.fullmatch(rf"{name} is not installed \(.*\): pip install '{re.escape(extra)}'", str(error.value))
    assert "\n" not in str(error.value)


def test_a_service_that_does_not_open_is_one_line(tmp_path: Path, offline: None, monkeypatch: Any) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GrokscopeError, match=r"^the sink tensorboard cannot be opened: [^\n]+$"):
        open_sink("tensorboard", **about(tmp_path / "file" / "below"))


def test_what_is_no_sink_is_said(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with pytest.raises(ValueError, match=r"^unknown sink 'tensorbord'\. Did you mean 'tensorboard'\?"):
        open_sink("tensorbord", **about(tmp_path))
    for given in (3, SummaryWriter, None, Path("runs")):
        with pytest.raises(
            ValueError, match=r"is no sink: expected one of .*tensorboard.*, or a function f\(step, val"
        ):
            open_sink(given, **about(tmp_path))


def test_points_of_a_name_are_thinned_by_steps_or_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_steps, by_time, now = [], [], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    steps = Sinks([lambda step, values: by_steps.append((step, values))], **about(tmp_path), min_interval=100)
    seconds = Sinks(
        [lambda step, values: by_time.append((step, values))], **about(tmp_path), min_interval=timedelta(seconds=5)
    )
    for step, at in ((0, 0.0), (60, 1.0), (99, 4.9), (100, 5.0), (199, 9.0), (260, 10.0)):
        now[0] = at
        values = {"a": 1.0} | ({"b": 2.0} if step != 0 else {})
        steps.scalars(step, values)
        seconds.scalars(step, values)
    assert by_name(by_steps) == {"a": [(0, 1.0), (100, 1.0), (260, 1.0)], "b": [(60, 2.0), (199, 2.0)]}
    assert by_name(by_time) == {"a": [(0, 1.0), (100, 1.0), (260, 1.0)], "b": [(60, 2.0), (199, 2.0)]}
    steps.scalars(10, {"a": 3.0})  # a resumed training goes back
    assert by_steps[-1] == (10, {"a": 3.0})


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_a_sink_that_draws_leaves_the_random_states_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seeds(step: int, values: Any) -> None:
        random.seed(step)
        np.random.seed(step)
        torch.manual_seed(step)

    class Module:
        @staticmethod
        def init(**options: Any) -> LookAlike:
            seeds(0, None)
            return LookAlike()

    monkeypatch.setitem(sys.modules, "trackio", Module)  # type: ignore[arg-type]
    for use in (random.seed, np.random.seed, torch.manual_seed):
        use(3)
    expected = drawn()
    for use in (random.seed, np.random.seed, torch.manual_seed):
        use(3)
    sinks = Sinks([seeds, "trackio"], **about(tmp_path))
    sinks.scalars(1, {"a": 1.0})
    sinks.close()
    assert drawn() == expected


# In a process of its own: what an import draws is drawn once.
DRAWS = """
import json, random, sys, warnings
import numpy, torch
from pathlib import Path
import plotly.graph_objects as go
from grokscope.watch.sinks.base import Sinks
name, folder = sys.argv[1:]
random.seed(5); numpy.random.seed(5); torch.manual_seed(5)
before = random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
sinks = Sinks([name], "run", {}, Path(folder))
sinks.scalars(1, {"a": 1.0})
sinks.figure("f", go.Figure())
sinks.close()
assert name in sys.modules
after = random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
print(json.dumps([one == two for one, two in zip(before, after)]))
"""


@pytest.mark.parametrize("name", [name for name in names(FAMILY) if name != "trackio"])  # not in constraints.txt
def test_a_service_leaves_the_random_states_alone(
    name: str, tmp_path: Path, offline: None, server: tuple[str, subprocess.Popen]
) -> None:
    environment = os.environ | {"MLFLOW_TRACKING_URI": server[0], "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", DRAWS, name, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [True] * 3


def test_a_sink_imports_its_package_only_when_it_is_opened() -> None:
    code = (
        "import sys; from grokscope.registry import component, names; from grokscope.watch.sinks import base\n"
        "assert all(component(base.FAMILY, name) for name in names(base.FAMILY))\n"
        "base.open_sink(print, run_id='a', config={}, folder=None)\n"
        "print(sorted({'tensorboard', 'wandb', 'mlflow', 'trackio', 'torch.utils.tensorboard'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
