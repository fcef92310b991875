"""How runs, snapshots, phases and scorecards show themselves in a notebook: a small table, of a run with its curve.

These classes lie in layers below; the public face gives them `_repr_html_` from here, as it gives runs their figures.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.report.page.render import render
from grokscope.report.words import count

if TYPE_CHECKING:
    from grokscope.predictions.cards import Scorecard
    from grokscope.runs.run import Run
    from grokscope.runs.snapshot import Snapshot
    from grokscope.statistics.transitions import Phases

WIDTH, HEIGHT, POINTS = 420, 90, 400  # pixels of the small curve, and as many points as one can tell apart there
CURVES = {
    "train/accuracy": ("#4c6ef5", "4 3"),
    "test/accuracy": ("#e8590c", ""),
}  # colour, dashes
STAGES = {"memorized_at": "memorised", "onset_at": "begins to generalise", "generalized_at": "generalised"}


def of_run(run: "Run") -> str:
    """The table of a run, above it its accuracies over the logarithm of the step."""
    facts = {"state": run.status.get("state", "unknown"), "steps": count(run.steps)}
    if run.has_config:
        facts = {"task": _task(run), "model": run.config.model} | facts
    facts |= _stages(run.phases()) | {"checkpoints": str(len(run.checkpoints)), "folder": str(run.folder)}
    return _shown(f"Run {run.id}", facts, curves=[*_curves(run)])


def of_phases(phases: "Phases") -> str:
    """The stages with their steps."""
    return _shown("Phases", _stages(phases) | {"grokked": "yes" if phases.grokked else "no"})


def of_snapshot(snapshot: "Snapshot") -> str:
    """Where it stands, and the sites that it has."""
    size = sum(tensor.numel() for tensor in snapshot.params.values())
    facts = {
        "inputs": f"{count(snapshot.task.n_inputs)}, {count(int(snapshot.train_mask.sum()))} of them trained on",
        "parameters": f"{count(size)} in {len(snapshot.params)} tensors",
        "sites": ", ".join(snapshot.activations),
    }
    return _shown(f"Snapshot at step {count(snapshot.step)}", facts)


def of_scorecard(card: "Scorecard") -> str:
    """A line a claim."""
    claims = [claim for claim in card.claims if claim.current]
    words = {"not_tested": "not tested", "falls_short": "falls short"}
    facts = {
        claim.claim.get("en", claim.id): f"{words.get(claim.verdict, claim.verdict)}, {claim.n} seeds"
        for claim in claims
    }
    return _shown(f"Scorecard of {len(claims)} claims", facts)


def _task(run: "Run") -> str:
    p = (run.fields or {}).get("p")
    return run.config.task + (f", p = {p}" if p is not None else "")


def _stages(phases: "Phases") -> dict[str, str]:
    steps = {title: getattr(phases, name) for name, title in STAGES.items()} | {"delay": phases.delay}
    return {title: "–" if step is None else f"step {count(step)}" for title, step in steps.items()} | {
        "delay": "–" if phases.delay is None else f"{count(phases.delay)} steps"
    }


def _curves(run: "Run") -> Any:
    """The points of each accuracy, as SVG has them, with its colour and dashes."""
    for name, (colour, dashes) in CURVES.items():
        rows = run.rows(f"behaviour.{name.replace('/', '_')}")
        steps, values = rows.steps, rows.values
        if not len(steps):
            continue
        chosen = np.unique(np.linspace(0, len(steps) - 1, POINTS).astype(int))
        across = np.log10(np.maximum(steps[chosen], 1)) / max(np.log10(max(steps[-1], 10)), 1)
        points = [f"{x * WIDTH:.1f},{(1 - y) * HEIGHT:.1f}" for x, y in zip(across, values[chosen], strict=True)]
        yield {"name": name, "points": " ".join(points), "colour": colour, "dashes": dashes}


def _shown(title: str, facts: dict[str, str], curves: list[dict[str, str]] | None = None) -> str:
    return str(render("notebook_table", title=title, facts=facts, curves=curves or [], width=WIDTH, height=HEIGHT))


SHOWN: dict[str, Callable[[Any], str]] = {
    "Run": of_run,
    "Snapshot": of_snapshot,
    "Phases": of_phases,
    "Scorecard": of_scorecard,
}


def html(thing: Any) -> str:
    """What a notebook shows of a thing of one of these kinds."""
    return SHOWN[type(thing).__name__](thing)
