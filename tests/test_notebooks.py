"""The notebooks of docs run from top to bottom, on the ledger as it is and on ledgers that are made up."""

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import grokscope as gs
from grokscope.predictions.controls import subjects
from grokscope.predictions.ledger import Ledger, Line, ledger
from grokscope.predictions.ledger_file import write_ledger
from grokscope.statistics.looks import Looks
from grokscope.theories.base import theories
from tests.predictions import made

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "verdict_by_hand.ipynb"
COMMITTED = "../evidence/confirmatory.parquet"
THEORIES = ("stages", "lazy_rich")
CLAIMS = {"stages.three", "stages.symmetry_first", "lazy.alpha", "lazy.ntk", "lazy.goldilocks_data"}
LOOKS = (5, 10, 20, 40)
ALWAYS = {"grokked", "generalised", "t_mem or the end", "t_gen or twice the end"}


def verdicts(monkeypatch: pytest.MonkeyPatch, path: Path | str = COMMITTED) -> dict[str, str]:
    """The verdicts by hand, after all cells ran in the notebook's own folder on some ledger."""
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in cells), "a notebook is kept without its outputs"
    monkeypatch.chdir(NOTEBOOK.parent)
    space: dict[str, Any] = {}
    for cell in cells:
        source = "".join(cell["source"]).replace(COMMITTED, str(path))
        exec(compile(source, NOTEBOOK.name, "exec"), space)
    return {name: space["verdict"](claim)[0] for claims in space["found"].values() for name, claim in claims.items()}


def drawn(line: Line) -> np.random.Generator:
    """The chance of a reading, whichever rows have it."""
    return np.random.default_rng(zlib.crc32(repr((line.arm, line.seed, line.reading)).encode()))


def made_up(monkeypatch: pytest.MonkeyPatch, seeds: int, lost: float) -> Ledger:
    """Random phases and readings of the two theories. lost: the share without an answer, of what may have none."""
    made.use(monkeypatch)
    arms = made.arms(0, seeds)
    looks = Looks(sizes=tuple(size for size in LOOKS if size <= seeds))
    whole = ledger([theories()[name] for name in THEORIES], subjects(arms), arms, looks)
    gone = {line.place for line in whole.lines if line.reading not in ALWAYS and drawn(line).random() < lost}
    lines = (replace(line, value=None, missing="lost") if line.place in gone else line for line in whole.lines)
    return replace(whole, lines=tuple(lines))


def as_claimed(of: Ledger, line: Line, *, holds: bool) -> float:
    """What a reading says where the five claims hold; or where their opposite does: arm and control change places."""
    about, reading, noise = of.arms[line.arm], line.reading, float(np.exp(0.1 * drawn(line).normal()))
    claimed = (line.arm == "base") == holds
    known: dict[str, float] = {
        "the three stages in order": claimed,
        "dark after memorisation": claimed,
        "step from which half of the twin inputs are right": 500 if claimed else 4000,
        "step from which half of the fresh inputs are right": 2000,
        "step to 90 % of twin inputs": noise * (400 if claimed else 4000),
        "step to 90 % of fresh inputs": noise * 2000,
        "t_mem or the end": 500,
        "generalised": 1,
    }
    if reading in known:
        return float(known[reading])
    if reading == "t_gen or twice the end":
        return 1000 * noise * float(about.value or 1) ** (2 if holds else -2)
    if reading == "grokked":
        middle = about.family == "kumar/alpha" and about.value != min(of.arms.along("kumar/alpha"))
        sizes = sorted(of.arms.along("shares"))
        return float((middle or (about.family == "shares" and about.value in sizes[1:-1])) == holds)
    if reading.startswith("kernel.ntk_change"):
        return 0.1 + {"t_mem": 0.0, "onset": 0.02 if claimed else 0.48}.get(reading.rpartition(" ")[2], 0.5) * noise
    if reading.startswith("kernel.ntk_alignment"):
        return 0.1 * noise * (3 if claimed and reading.endswith("after") else 0.3 if reading.endswith("after") else 1)
    return 0.0  # of rows that were worded otherwise


def test_verdicts_by_hand_are_those_of_the_committed_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(verdicts(monkeypatch)) == CLAIMS


def test_and_those_of_random_readings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_ledger(made_up(monkeypatch, 20, lost=0.03), tmp_path / "made.parquet")
    found = verdicts(monkeypatch, path)
    assert set(found) == CLAIMS
    assert "not_tested" not in found.values()


@pytest.mark.parametrize("holds", [True, False])
def test_and_those_where_the_claims_hold_or_their_opposite_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holds: bool
) -> None:
    whole = made_up(monkeypatch, 40, lost=0)
    lines = tuple(replace(line, value=as_claimed(whole, line, holds=holds), missing="") for line in whole.lines)
    found = verdicts(monkeypatch, write_ledger(replace(whole, lines=lines), tmp_path / "made.parquet"))
    assert set(found) == CLAIMS
    assert set(found.values()) == ({"supported"} if holds else {"falls_short", "refuted"})


def test_the_notebook_fails_where_grokscope_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = gs.judge

    def other(path: str, theory: str) -> Any:
        card = judge(path, theory=theory)
        first, *rest = card.claims
        return card.model_copy(update={"claims": (first.model_copy(update={"verdict": "supported"}), *rest)})

    monkeypatch.setattr(gs, "judge", other)
    with pytest.raises(AssertionError, match="supported"):
        verdicts(monkeypatch)
