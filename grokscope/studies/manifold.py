"""The manifold of a run as a table: every instrument at the stages of the run, beside its nulls."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from grokscope.predictions.readings import Instrument, Number, answered
from grokscope.predictions.subject import Subject
from grokscope.predictions.taking import stages
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot


def _of_table(title: str, view: str, table: str) -> dict[str, Instrument]:
    """The instruments of a table of the group's elements."""
    of = {"view": view}
    return {
        f"{title}: Gride, n1 = 16": Instrument("manifold.gride", of, 16),
        f"{title}: b0": Instrument("manifold.betti", of, 0),
        f"{title}: b1": Instrument("manifold.betti", of, 1),
        f"{title}: strongest H1 bar, death / birth": Instrument("manifold.persistence_ratio", of),
        f"{title}: equivariance R2": Instrument("manifold.equivariance", of, table=table),
        f"{title}: certified circles": Instrument("manifold.certified_circles", of, table=table),
        f"{title}: circular coordinates, coherence": Instrument("manifold.circular_coordinate", of, table=table),
    }


INSTRUMENTS: dict[str, Instrument] = {
    "TwoNN, training inputs": Instrument("manifold.dimension", {"view": "resid_mid/train", "method": "mle"}),
    "TwoNN, all inputs (naive)": Instrument("manifold.dimension", {"view": "resid_mid/all", "method": "mle"}),
    "swap distance": Instrument("manifold.swap_distance"),
    "dimension, orbits (plateau)": Instrument("manifold.dimension", {"view": "resid_mid/orbits"}),
    "Gride, orbits, n1 = 1": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 1),
    "Gride, orbits, n1 = 4": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 4),
    "Gride, orbits, n1 = 16": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 16),
    "participation ratio, orbits": Instrument("manifold.linear_dimension", {"view": "resid_mid/orbits"}),
    "orbits: b0 (300 landmarks)": Instrument("manifold.betti", {"view": "resid_mid/orbits"}, 0),
    "orbits: b1 (300 landmarks)": Instrument("manifold.betti", {"view": "resid_mid/orbits"}, 1),
    **_of_table("embedding", "embed/tokens", "symbols"),
    **_of_table("class means", "resid_mid/class_means", "labels"),
    "harmonic share of the logits": Instrument("manifold.harmonic_share", table="labels"),
    "attention entropy, mean of heads": Instrument("attention.entropy"),
    "attention pattern distance, mean of heads": Instrument("attention.pattern_distance"),
}


def readings(run: Run, instruments: Mapping[str, Instrument] = INSTRUMENTS) -> dict[str, dict[str, Number]]:
    """Stage -> instrument -> number; the stage "permuted" is the last checkpoint with its residues permuted."""
    numbers: dict[str, dict[str, Number]] = {}
    for stage, step in stages(Subject(run=run)).items():
        snapshot = run.snapshot(step)
        numbers[stage] = {name: instrument(snapshot) for name, instrument in instruments.items()}
    nulls = {kind: permuted(run.snapshot(), kind) for kind in ("symbols", "labels")}
    with_null = {name: instrument for name, instrument in instruments.items() if instrument.table}
    return numbers | {"permuted": {name: of(nulls[of.table]) for name, of in with_null.items()}}


def permuted(snapshot: Snapshot, table: str) -> Snapshot:
    """The network with its symbols, or its labels, in a random order."""
    task = snapshot.task
    if table == "labels":
        order = torch.randperm(task.n_classes, generator=torch.Generator().manual_seed(0))
        return snapshot.replace(task=dataclasses.replace(task, labels=order[snapshot.labels]))
    order = torch.randperm(task.n_symbols, generator=torch.Generator().manual_seed(0))

    def moved(params: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        embedding = params["W_E"].clone()
        embedding[: len(order)] = embedding[order]
        return {**params, "W_E": embedding}

    return snapshot.mapped(moved)


def tabulated(runs: Sequence[Mapping[str, Mapping[str, Number]]]) -> list[tuple[str, ...]]:
    """Rows of text: an instrument; for each stage the median and range over the runs, and how many lack an answer.

    runs: the `readings` of each.
    """
    stages = list(dict.fromkeys(stage for numbers in runs for stage in numbers))
    names = list(dict.fromkeys(name for numbers in runs for of_stage in numbers.values() for name in of_stage))
    cells = {
        (name, stage): _cell([numbers[stage][name] for numbers in runs if name in numbers.get(stage, {})])
        for name in names
        for stage in stages
    }
    return [("instrument", *stages), *((name, *(cells[name, stage] for stage in stages)) for name in names)]


def _cell(values: Sequence[Number]) -> str:
    known = answered(values)
    if not known:
        return "no answer" if values else ""
    low, middle, high = (f"{value:.3g}" for value in (min(known), float(np.median(known)), max(known)))
    lacking = f", {len(values) - len(known)} without" if len(known) < len(values) else ""
    return f"{middle} ({low}–{high}{lacking})" if low != high or lacking else middle
