"""Mistakes that new users make with the README's commands: one line, no traceback, and what to type instead."""

import shutil
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.runs.run import Run

NO_GPU = pytest.param(
    "run --device cuda", 1, "torch sees no GPU; use --device cpu or auto", id="a GPU that is not there"
)
# What is typed, the exit code, and what the message must name. {store}: a store with one run, {empty}, {nowhere}.
MISTAKES = [
    # of commands and options
    ("raport latest", 2, "Did you mean 'report'?"),
    ("--store runs list", 2, "expected a command before '--store'"),
    ("sweep quickstart --grid p=5,7 --checkpoint all", 2, "no option --checkpoint: did you mean --checkpoints?"),
    ("run --checkpoint all", 2, "--checkpoints of grokscope sweep"),
    ("run --grid p=5,7", 2, "did you mean --grid of grokscope sweep?"),
    ("report latest --ouptut x.html", 2, "did you mean --output?"),
    ("run --weight-decay .5", 2, "--set weight_decay=.5"),
    ("run --max-stps=10", 2, "did you mean --set max_steps=10 or --max-steps of grokscope watch?"),
    ("run --lr 0.1", 2, "--set learning_rate=0.1"),
    ("run -help", 2, "did you mean --help?"),
    ("run --seeds", 2, "--seeds needs a value: --seeds INT"),
    ("run --seeds three", 2, "--seeds takes a whole number, got 'three'"),
    ("run --seeds 0", 2, "seeds must be at least 1, got 0"),
    ("run --device gpu", 2, "--device takes auto, cpu or cuda, got 'gpu'; did you mean cpu?"),
    ("run --json=yes", 2, "--json takes no value"),
    ("list runs --sort -steps", 2, "--sort=-steps"),
    ("list measurs", 2, "did you mean measures?"),
    ("list runs --task modular_addition", 2, "grokscope list fields"),
    ("figure latest grokking-curve", 2, "needs --output FILE"),
    ("import model.pt", 2, "needs --as {pizza,safetensors,transformer-lens,curves}"),
    ("run quickstart nanda2023", 2, "takes RECIPE alone, got 'nanda2023' too"),
    # of names
    ("run quikstart", 2, "Did you mean 'quickstart'?"),
    ("sweep quikstart --grid p=5,7", 2, "Did you mean 'quickstart'?"),
    ("study manifld", 2, "Did you mean 'manifold'?"),
    ("study manifold --scale tinny", 2, "did you mean tiny?"),
    ("judge latest --theory manifld --store {store}", 2, "Did you mean 'manifold'?"),
    ("measure latest --only weights.nrom --store {store}", 2, "Did you mean 'weights.norm'?"),
    ("figure latest grokking-curv -o {empty}/x.pdf --store {store}", 2, "Did you mean 'grokking_curve'?"),
    ("show lastest --store {store}", 2, "Did you mean 'latest'?"),
    ("report nothing --store {store}", 2, "unknown run or study 'nothing'"),
    ("bench train_stp", 2, "Did you mean 'train_step'?"),
    # of fields and values
    ("run --set", 2, "--set needs a value: --set FIELD=VALUE"),
    ("run --set p", 2, "--set takes field=value, got 'p'"),
    ("run --set p=", 2, "'p' has no value"),
    ("run weight_decay=1", 2, "--set weight_decay=1"),
    ("run quickstart weight_decay=1", 2, "--set weight_decay=1"),
    ("run --set p=59,d_model=64", 2, "--set p=59 --set d_model=64"),
    ("run --set wieght_decay=1", 2, "Did you mean 'weight_decay'?"),
    ("run --set lr=0.1", 2, "Did you mean 'learning_rate'?"),
    ("run --set p=many", 2, "p: input should be a valid integer (got 'many')"),
    (
        "run --set n_layers=2",
        2,
        "n_layers is a field of model decoder, which this config does not have: set model=deco",
    ),
    ("run --set task=modular_multiplication", 2, "--set task=binary_operation --set operation=multiplication"),
    ("sweep quickstart --grid p=5,7 --set task=parity", 2, "--set task=sparse_parity --set model=mlp"),
    ("list fields --task s_5", 2, "--set task=group_operation --set group=S5"),
    ("run --set task=mnist", 2, "path: field required, path=...: folder with MNIST's files"),
    ("run --set optimizer=AdamW", 2, "Did you mean 'adamw'?"),
    ("run --set model=one_layer_transformer", 2, "--set model=transformer"),
    ("run --set train_fraction=30", 2, "30 % is 0.3"),
    ("run --set train_fraction=30%", 2, "30 % is 0.3"),
    ("run --set task=binary_operation --set operation=x/y --set p=12", 2, "use a prime p, such as 11"),
    ("run --set d_model=130", 2, "n_heads must divide d_model"),
    ("sweep quickstart", 2, "--grid field=v1,v2,v3"),
    ("sweep quickstart --grid 0.3,1,3", 2, "--grid takes field=v1,v2,v3, got '0.3,1,3'"),
    ("sweep quickstart --grid wieght_decay=1,3", 2, "Did you mean 'weight_decay'?"),
    # of files and stores
    ("list runs --store {nowhere}", 1, "grokscope run makes one, --store PATH names another"),
    ("show latest --store {nowhere}", 1, "grokscope run makes one, --store PATH names another"),
    ("show latest --store {empty}", 2, "has no run; make one: grokscope run --out {empty}"),
    ("report latest -o {empty} --store {store}", 2, "it is a folder; give the name of a file"),
    ("figure latest grokking-curve -o x.doc --store {store}", 2, ".pdf, .svg, .png, .tex, .html"),
    ("run --plugin nothing.py", 2, "there is no plugin at nothing.py"),
    ("run --plugin nothing", 2, "a plugin in a file is given by its path, such as nothing.py"),
    ("run --task-file nothing.csv", 2, "cannot read"),
    ("judge nothing.parquet", 2, "there is no ledger nothing.parquet"),
    ("phases nothing.csv", 1, "nothing.csv is not there"),
    NO_GPU,
]


@pytest.fixture(scope="module")
def places(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("places")
    shutil.copytree(tiny_run.folder, base / "store" / tiny_run.id)
    (base / "empty").mkdir()
    return {name: base / name for name in ("store", "empty", "nowhere")}


@pytest.mark.parametrize(("typed", "code", "named"), MISTAKES)
def test_a_mistake_is_one_line_that_names_what_to_type(  # noqa: PLR0917  fixtures
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    places: dict[str, Path],
    typed: str,
    code: int,
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main([word.format(**places) for word in typed.split()]) == code
    out, err = capsys.readouterr()
    assert named.format(**places) in err if "{empty}" in named else named in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "runs").exists()
