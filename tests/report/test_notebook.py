"""What runs, snapshots, phases and scorecards show of themselves in a notebook."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest

import grokscope as gs
from grokscope.predictions.cards import Claim, Scorecard
from grokscope.runs.run import Run


def cells(html: str) -> dict[str, str]:
    """The table of a piece of HTML that is well formed: name -> value."""
    tree = ET.fromstring(html)
    return {(row[0].text or ""): (row[1].text or "") for row in tree.iter("tr")}


def shown(thing: Any) -> str:
    assert gs.load
    return thing._repr_html_()


def test_a_run_shows_its_curve_and_its_stages(tiny_run: Run) -> None:
    html = shown(tiny_run)
    facts = cells(html)
    assert facts["task"] == "modular_addition, p = 11"
    assert facts["steps"] == "60"
    assert facts["checkpoints"] == str(len(tiny_run.checkpoints))
    points = re.findall(r'points="([^"]+)"', html)
    assert len(points) == 2
    for line, name in zip(points, ("train/accuracy", "test/accuracy"), strict=True):
        steps, values = tiny_run.series(name)
        last = [float(part) for part in line.split()[-1].split(",")]
        assert last == pytest.approx([420, 90 * (1 - values[-1])], abs=0.06)
        assert len(line.split()) == len(steps)


def test_phases_show_steps_and_a_dash_for_none() -> None:
    steps = list(range(0, 2100, 100))
    grokked = gs.phases(
        steps, train_accuracy=[min(1, step / 200) for step in steps], test_accuracy=[step >= 1500 for step in steps]
    )
    facts = cells(shown(grokked))
    assert facts["generalised"] == f"step {grokked.generalized_at:,}"
    assert facts["grokked"] == "yes"
    never = gs.phases(steps, train_accuracy=[0.1] * len(steps), test_accuracy=[0.1] * len(steps))
    assert cells(shown(never))["memorised"] == "–"


def test_a_snapshot_shows_its_sites(tiny_run: Run) -> None:
    facts = cells(shown(tiny_run.snapshot()))
    assert facts["inputs"] == "121, 60 of them trained on"
    assert "resid_mid" in facts["sites"]


def test_a_scorecard_shows_a_line_a_claim_and_escapes_it() -> None:
    about: dict[str, Any] = {"theory": "t", "version": 1, "current": True, "parts": (), "reason": "inside"}
    hostile = Claim(id="t.a", claim={"en": "<script>alert(1)</script>"}, verdict="falls_short", n=10, **about)
    html = shown(Scorecard(claims=(hostile,), rows=(), runs={}))
    assert "<script>" not in html
    assert cells(html)["<script>alert(1)</script>"] == "falls short, 10 seeds"


@pytest.mark.parametrize("name", ["watch", "runs", "load", "train", "Run"])
def test_every_public_way_to_a_run_gives_it_figures(name: str) -> None:
    code = f"import grokscope as gs; gs.{name}; from grokscope.runs.run import Run; Run.figure; Run._repr_html_"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
