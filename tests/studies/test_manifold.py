"""The study of the manifold: every instrument at the stages of a run, beside the nulls."""

import torch

from grokscope.runs.run import Run
from grokscope.studies.manifold import INSTRUMENTS, permuted, readings, tabulated


def test_readings_name_the_stages_and_the_null(tiny_run: Run) -> None:
    some = {name: INSTRUMENTS[name] for name in ("swap distance", "embedding: equivariance R2")}
    found = readings(tiny_run, some)
    assert set(found) >= {"untrained", "after", "permuted"}
    assert set(found["permuted"]) == {"embedding: equivariance R2"}
    assert found["after"]["swap distance"] != found["untrained"]["swap distance"]
    assert tabulated([found, found])[0][:2] == ("instrument", "untrained")


def test_permuted_symbols_and_labels_are_the_same_network_in_another_order(tiny_run: Run) -> None:
    own, symbols, labels = (
        tiny_run.snapshot(),
        permuted(tiny_run.snapshot(), "symbols"),
        permuted(tiny_run.snapshot(), "labels"),
    )
    rows = {tuple(row) for row in own.params["W_E"][:11].tolist()}
    assert {tuple(row) for row in symbols.params["W_E"][:11].tolist()} == rows
    assert not torch.equal(symbols.params["W_E"], own.params["W_E"])
    assert torch.equal(symbols.params["W_E"][11:], own.params["W_E"][11:])
    assert torch.equal(labels.logits, own.logits)
    pairs = set(zip(own.labels.tolist(), labels.labels.tolist(), strict=True))
    assert len(pairs) == 11
    assert not torch.equal(own.labels, labels.labels)
