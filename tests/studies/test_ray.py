"""The engine `ray`: the same store as the local one, and no pack lost when a node is."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.errors import GrokscopeError
from grokscope.recipes.base import recipe
from grokscope.registry import use
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.rows import read_rows
from grokscope.studies.conduct import conduct
from grokscope.studies.executors.ray import ray as engine
from grokscope.studies.grid import grid
from grokscope.studies.plan import Plan, plan
from tests.conftest import tiny
from tests.studies.test_conduct import SIZE, final_weights, until

# Ray leaves its log files and sockets to the garbage collector, and warns about its own coming defaults.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:ray.*"),
]


def sweep(store: Path, **fields: Any) -> Plan:
    base = tiny(dtype="float64", **(SIZE | {"max_steps": 20} | fields))
    cells = grid(base, {"weight_decay": [0.5, 1.0], "d_mlp": [16, 24]}, seeds=2)
    return plan("sweep", cells, store, mixed=True)


def test_the_same_study_here_and_on_ray_is_the_same_store(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert all(outcome.state == "done" for outcome in conduct(sweep(here), workers=1, say=lambda _: None))
    assert all(
        outcome.state == "done" for outcome in conduct(sweep(there), engine="ray", workers=1, say=lambda _: None)
    )
    assert sweep(there).todo == []
    expected, found = final_weights(here), final_weights(there)
    assert expected.keys() == found.keys()
    for pack, tensors in expected.items():
        for name, tensor in tensors.items():
            np.testing.assert_allclose(found[pack][name], tensor, rtol=1e-9, atol=1e-9, err_msg=name)
        one, other = read_rows(here / pack), read_rows(there / pack)
        keys = [list(zip(r.runs, r.steps, r.measures, r.views, strict=True)) for r in (one, other)]
        order = [sorted(range(len(listed)), key=listed.__getitem__) for listed in keys]
        assert sorted(keys[0]) == sorted(keys[1])
        np.testing.assert_allclose(other.values[order[1]], one.values[order[0]], rtol=1e-9, atol=1e-9)
        names = [{path.relative_to(store).as_posix() for path in (store / pack).rglob("*")} for store in (here, there)]
        assert names[0] == names[1]


def test_a_worker_knows_the_plugins(tmp_path: Path, plugins: None) -> None:
    """Its process is started by Ray, and has only what the job says."""
    shutil.copy(Path(__file__).parents[1] / "data" / "plugins" / "my_parts.py", tmp_path)
    use(tmp_path / "my_parts.py")
    cells = grid(recipe("smallest"), {"weight_decay": [0.5, 1.0]}, seeds=1)
    made = plan("sweep", cells, tmp_path / "store", mixed=True)
    (outcome,) = conduct(made, engine="ray", workers=1, say=lambda _: None)
    assert (outcome.state, outcome.reason) == ("done", "")
    (tmp_path / "my_parts.py").write_text("x = 1")
    made = plan("sweep", grid(recipe("smallest"), {"weight_decay": [3.0]}, seeds=1), tmp_path / "store", mixed=True)
    (outcome,) = conduct(made, engine="ray", workers=1, say=lambda _: None)
    assert outcome.state == "failed"
    assert outcome.reason.startswith("plugin my_parts.py holds no component")


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("127.0.0.1:9", GrokscopeError, "no Ray cluster answers at 127.0.0.1:9 (Connection refused); start one with"),
        ("somewhere", ValueError, "--address takes host:port of a Ray cluster's head, or \"auto\"; got 'somewhere'"),
        ("host:port", ValueError, "--address takes host:port"),
    ],
)
def test_an_address_that_does_not_answer_is_one_line(address: str, kind: type, message: str) -> None:
    with pytest.raises(kind) as error, engine(slots=1, threads=1, address=address):
        pass
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_something_else_at_the_address_is_told_within_seconds() -> None:
    """Ray itself would try for minutes and then end the process."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(GrokscopeError) as error:  # noqa: SIM117
        with engine(slots=1, threads=1, address=f"127.0.0.1:{server.getsockname()[1]}"):
            pass
    assert "(timed out)" in str(error.value)


def test_a_missing_ray_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(GrokscopeError, match=r"needs Ray: pip install 'grokscope\[ray\]'"), engine(slots=1, threads=1):
        pass


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without cores and two nodes of one each; at its end nothing of it runs any more."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    # A node counts as lost after a few seconds instead of half a minute: the test waits for that.
    health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": health})
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_a_node_killed_in_the_middle_of_a_sweep_costs_nothing(cluster: Any, tmp_path: Path) -> None:
    import ray

    cells = grid(tiny(dtype="float64", **(SIZE | {"max_steps": 400, "evaluate_every": 200})),
                 {"d_mlp": [8, 12, 16, 20, 24, 28]}, seeds=2)  # fmt: skip
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=80 << 20) for _ in range(2)]
    store, undisturbed = tmp_path / "store", tmp_path / "undisturbed"
    found = plan("sweep", cells, store, mixed=True)
    assert len(found.packs) == 6
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("pack 1 of 6"):  # both nodes are in the middle of a pack, and others are queued
            until(lambda: sum(finished_at(path.parent) is None for path in store.glob("*/pack.json")) == 2)
            cluster.remove_node(nodes[0], allow_graceful=False)

    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    outcomes = conduct(found, engine="ray", address=cluster.address, say=say)
    assert [outcome.state for outcome in outcomes] == ["done"] * 6, said
    assert sorted(outcome.pack for outcome in outcomes) == sorted(pack.id for pack in found.packs)
    assert sum(node["Alive"] for node in ray.nodes()) == 2  # the head and one
    assert plan("sweep", cells, store, mixed=True).todo == []
    assert all(outcome.state == "done" for outcome in conduct(
        plan("sweep", cells, undisturbed, mixed=True), workers=2, say=lambda _: None))  # fmt: skip
    expected, got = final_weights(undisturbed), final_weights(store)
    assert expected.keys() == got.keys()
    for pack, tensors in expected.items():
        for name, tensor in tensors.items():
            np.testing.assert_allclose(got[pack][name], tensor, rtol=1e-9, atol=1e-9, err_msg=name)
        a, b = (read_rows(place / pack) for place in (undisturbed, store))
        keys = [sorted(zip(r.runs, r.steps, r.measures, r.views, strict=True)) for r in (a, b)]
        assert keys[0] == keys[1]
        assert len(set(keys[1])) == len(keys[1])  # no row twice
