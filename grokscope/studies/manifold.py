"""What a run shows of the manifold: every instrument at the stages of a run, beside the nulls, as a table."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch

from grokscope.errors import Missing
from grokscope.predictions.readings import Instrument, Number
from grokscope.predictions.subject import Subject
from grokscope.predictions.taking import stages
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot


def _tables() -> dict[str, Instrument]:
    found = {}
    for title, view, table in (
        ("embedding", "embed/tokens", "symbols"),
        ("class means", "resid_mid/class_means", "labels"),
    ):
        of = {"view": view}
        found |= {
            f"{title}: Gride, n1 = 16": Instrument("manifold.gride", of, 16),
            f"{title}: b0": Instrument("manifold.betti", of, 0),
            f"{title}: b1": Instrument("manifold.betti", of, 1),
            f"{title}: strongest H1 bar, death / birth": Instrument("manifold.persistence_ratio", of),
            f"{title}: equivariance R2": Instrument("manifold.equivariance", of, table=table),
            f"{title}: certified circles": Instrument("manifold.certified_circles", of, table=table),
            f"{title}: circular coordinates, coherence": Instrument("manifold.circular_coordinate", of, table=table),
        }
    return found


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
    **_tables(),
    "harmonic share of the logits": Instrument("manifold.harmonic_share", table="labels"),
    "attention entropy, mean of heads": Instrument("attention.entropy"),
    "attention pattern distance, mean of heads": Instrument("attention.pattern_distance"),
}


def readings(run: Run, instruments: Mapping[str, Instrument] = INSTRUMENTS) -> dict[str, dict[str, Number]]:
    """Stage -> instrument -> number; the stage "permuted" is the last checkpoint with its residues permuted."""
    snapshots = {stage: run.snapshot(step) for stage, step in stages(Subject(run=run)).items()}
    found: dict[str, dict[str, Number]] = {
        stage: {name: instrument(snapshot) for name, instrument in instruments.items()}
        for stage, snapshot in snapshots.items()
    }
    nulls = {kind: permuted(run.snapshot(), kind) for kind in ("symbols", "labels")}
    return found | {
        "permuted": {
            name: instrument(nulls[instrument.table]) for name, instrument in instruments.items() if instrument.table
        }
    }


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


def tabulated(
    found: Iterable[Mapping[str, Mapping[str, Number]]], show: Callable[[float], str] = "{:.3g}".format
) -> list[tuple[str, ...]]:
    """Rows of text: an instrument; for each stage the median and range over the runs, and how many lack an answer."""
    runs = list(found)
    stages = list(dict.fromkeys(stage for one in runs for stage in one))
    names = list(dict.fromkeys(name for one in runs for stage in one.values() for name in stage))
    rows = [("instrument", *stages)]
    for name in names:
        cells = []
        for stage in stages:
            values = [one[stage][name] for one in runs if name in one.get(stage, {})]
            known = [value for value in values if not isinstance(value, Missing)]
            if not known:
                cells.append("no answer" if values else "")
                continue
            low, middle, high = (show(float(each)) for each in (min(known), np.median(known), max(known)))
            lacking = f", {len(values) - len(known)} without" if len(known) < len(values) else ""
            cells.append(f"{middle} ({low}–{high}{lacking})" if low != high or lacking else middle)
        rows.append((name, *cells))
    return rows
