"""The pages of docs/guide that bring no component of their own are tried as they are printed, in an empty folder."""

import itertools
import json
from pathlib import Path

from tests.test_guide import COMMANDS, PYTHON, ROOT, blocks, printed

SHARED = PYTHON.replace('{"__name__": "page"}', "names").replace(
    "printed = []", 'printed, names = [], {"__name__": "page"}'
)


def told(page: str, folder: Path) -> list[str]:
    """What each command and each piece of Python prints; the pieces of Python of a stretch share their names."""
    said: list[str] = []
    found = [(language, text) for language, _, text in blocks(ROOT / "docs" / "guide" / page)]
    for language, stretch in itertools.groupby(found, key=lambda one: one[0]):
        given = [line for _, text in stretch for line in (text.splitlines() if language == "sh" else [text])]
        said += printed(COMMANDS if language == "sh" else SHARED, given, folder)
    return said


def test_arrays_without_a_run(tmp_path: Path) -> None:
    cloud, circles, attention, kernel, phases = told("arrays.md", tmp_path)
    dimension, betti = cloud.splitlines()
    assert dimension.startswith("1.0")
    assert "fits: True, of 500 points" in dimension
    assert betti.startswith("(1, 1) strongest loop: [")
    assert circles == "(7, 3) certified: (7, 3) shares: [0.8 0.2]\n"
    assert attention == "1.099 nats, normalised 1.000\n"
    assert kernel == "(50, 50) True\n"
    assert phases == "500 6000 True\n"


def test_take_it_elsewhere(tmp_path: Path) -> None:
    *_, same, runs, doctor, listed = told("export.md", tmp_path)
    assert (same, runs) == ("True\n", "4 runs\n")
    assert "damages: 0" in doctor
    assert listed.count("done") == 4
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"lens.safetensors", "lens.json", "bridge.pt", "bridge.json", "hub", "numbers.csv", "sweep.zip"}
    assert json.loads((tmp_path / "lens.json").read_text())["d_vocab"] == 12
    assert 'license: "mit"' in (tmp_path / "hub" / "README.md").read_text()


def test_which_quantity_sees_it_coming(tmp_path: Path) -> None:
    _, measured, table, told_json = told("alarms.md", tmp_path)
    assert "predictors.spectral_entropy" in measured or "measured" in measured
    assert "1 never did" in table or "left out" in table
    assert json.loads(told_json)["quantities"] == []


def test_the_page_on_python(tmp_path: Path) -> None:
    trained, asked, seen, again = told("python.md", tmp_path)
    assert trained.splitlines()[0].endswith(" evaluations")
    assert "Figure" in asked
    assert "'attn_scores'" in seen or "measures" in seen
    assert float(again) > 0


def test_a_race_with_a_method_of_ones_own(tmp_path: Path) -> None:
    found = blocks(ROOT / "docs" / "guide" / "race.md")
    for _, name, text in found:
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    lines = [line for language, _, text in found if language == "sh" for line in text.splitlines()]
    methods, settings, mine, dry, raced, again = printed(COMMANDS, lines, tmp_path)
    assert "adamw_tuned" in methods
    assert "common" in settings
    assert "my_method.py" in mine
    assert "64 runs in 2 packs" in dry
    assert "my_method" in raced
    told = json.loads(again)["settings"]["quick"]
    assert [one["arrived"]["n"] for one in told["arms"]] == [6, 6]
    assert {(one["control"], one["n"]) for one in told["leaks"]} == {("random labels", 3)}
    assert "Cautious Grokfast" in (tmp_path / "race.html").read_text(encoding="utf-8")
    assert len((tmp_path / "runs" / "race.csv").read_text(encoding="utf-8").splitlines()) == 1 + 64 + 2 * (6 + 3)
