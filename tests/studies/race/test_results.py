"""From trained runs to rows: what is read of them, and a run that diverges."""

from pathlib import Path

import grokscope as gs
from grokscope.studies.race.entries import Entry
from grokscope.studies.race.results import read_results, results, write_results
from tests.conftest import tiny


def test_a_run_that_diverges_counts_with_its_budget(tmp_path: Path) -> None:
    configs = [
        tiny(optimizer="sgd", learning_rate=rate, max_steps=30, evaluate_every=5, stop_after=1000)
        for rate in (1e-3, 1e30)
    ]
    runs = [gs.train(config, store=tmp_path, progress=False) for config in configs]
    entries = [
        Entry(setting="s", part="judging", method=name, goal="fast", cell={"rate": 1}, seed=0, config=config)
        for name, config in zip(("calm", "wild"), configs, strict=True)
    ]
    calm, wild = results(entries, runs)
    assert (calm.diverged, calm.time, calm.budget) == (None, 30, 30)
    assert calm.final is not None
    assert wild.diverged is not None
    assert wild.diverged < 30
    assert (wild.t_gen, wild.time, wild.final) == (None, 30, None)
    assert wild.run == runs[1].id
    write_results([calm, wild], path := tmp_path / "race.csv")
    assert [one.diverged for one in read_results(path)] == [None, wild.diverged]
    assert results(entries, runs[:1]) == [calm]  # what is not trained is left out
