"""`sweep` and `study` as a user types them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from grokscope.cli.sweep import axis
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.families import read_arms
from grokscope.studies import arms as studies
from grokscope.studies import estimate as estimating
from grokscope.studies.study import load_study
from grokscope.theories.base import families
from tests.cli.test_commands import run
from tests.conftest import tiny

SIZE = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16, "train_fraction": 0.5, "max_steps": 12}
SETTINGS = [part for field, value in SIZE.items() for part in ("--set", f"{field}={value}")]
SWEEP = ("sweep", "quickstart", *SETTINGS, "--workers", "1")


def made(arms: Any) -> Any:
    return read_arms(arms, families())


def test_a_sweep_says_what_it_takes_and_starts_nothing_then_does_it(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimating, "_start_seconds", lambda: 3.0)
    args = (*SWEEP, "--grid", "weight_decay=0.5,1", "--grid", "d_mlp=16,24", "--seeds", "2", "--store", str(store))
    code, out, err = run(capsys, *args, "--dry-run", "--json")
    assert (code, store.exists()) == (0, False)
    dry = json.loads(out)
    assert dry["packs"] == {"all": 2, "done": 0, "begun": 0, "missing": 2}
    assert (dry["runs"], dry["reused"], dry["workers"], len(dry["arms"])) == (8, 0, 1, 4)
    assert [pack["soonest_end"] for pack in dry["plan"]] == [12, 12]
    assert 3 < dry["seconds"] == pytest.approx(3 + dry["machine_seconds"])  # one after another
    assert dry["bytes"] == sum(pack["bytes"] for pack in dry["plan"]) > 10_000
    assert err == "note: runs that differ in d_mlp cannot share a pack: they train in packs of 2 kinds\n"
    code, out, _ = run(capsys, *args, "--dry-run")
    assert "nothing was started: this was --dry-run" in out
    assert not store.exists()

    code, out, err = run(capsys, *args, "--json")
    assert code == 0
    done = json.loads(out)
    assert (len(done["trained"]), done["failed"], done["study"]) == (2, {}, dry["study"])
    assert "pack 2 of 2" in err
    page = Path(done["report"]).read_text()
    assert "--grid weight_decay=0.5,1 --grid d_mlp=16,24 --set p=7" in page
    code, out, _ = run(capsys, *args)
    assert code == 0
    assert out.startswith(f"{dry['study']}: 8 runs in 4 arms, all done; in {store}")
    code, out, _ = run(capsys, *args, "--dry-run", "--json")
    assert json.loads(out)["seconds"] == 0
    sql = "select count(*), count(distinct weight_decay), min(step) from runs"
    assert json.loads(run(capsys, "query", sql, "--store", str(store), "--json")[1])["rows"] == [[8, 2, 12]]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("weight_decay=0.5,1", [0.5, 1]),
        ("group=S4,dihedral(5)", ["S4", "dihedral(5)"]),
        ("betas=[0.9,0.98],[0.9,0.999]", [[0.9, 0.98], [0.9, 0.999]]),
        ("centred=true,false", [True, False]),
        ("bottleneck=embed, mlp_post", ["embed", "mlp_post"]),
        ("p=", []),
    ],
)
def test_values_of_an_axis(text: str, values: list) -> None:
    assert axis(text) == (text.partition("=")[0], values)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ((*SWEEP, "--grid", "wieght_decay=1,2"), 2, "unknown field 'wieght_decay'. Did you mean 'weight_decay'?"),
        ((*SWEEP, "--grid", "weight_decay="), 2, "the grid over weight_decay has no values"),
        ((*SWEEP, "--grid", "weight_decay"), 2, "--grid takes field=v1,v2,v3, got 'weight_decay'"),
        ((*SWEEP, "--grid", "p=7", "--grid", "p=11"), 2, "the grid over p is given twice"),
        ((*SWEEP, "--grid", "p=7,two"), 2, "p: input should be a valid integer"),
        ((*SWEEP, "--grid", "seed=1,2"), 2, "give --seeds N instead"),
        ((*SWEEP, "--grid", "p=7", "--seeds", "0"), 2, "seeds must be at least 1, got 0"),
        ((*SWEEP[:-1], "0", "--grid", "p=7"), 2, "workers must be at least 1, got 0"),
        ((*SWEEP, "--grid", "p=7", "--address", "head:6379"), 2, "joins a Ray cluster: it needs --engine ray"),
        ((*SWEEP, "--grid", "p=7", "--engine", "ray", "--address", "127.0.0.1:9"), 1, "no Ray cluster answers at 127"),
        (("sweep", "quikstart", "--grid", "p=7"), 2, "unknown recipe 'quikstart'. Did you mean 'quickstart'?"),
        (("study", "goldilock"), 2, "unknown study 'goldilock'"),
    ],
)
def test_mistakes_are_one_line_with_the_right_exit_code(
    capsys: pytest.CaptureFixture, store: Path, args: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = run(capsys, *args, "--store", str(store))
    assert (found, out) == (code, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert not list(store.glob("*/pack.json"))


def test_a_store_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("no folder")
    code, out, err = run(capsys, *SWEEP, "--grid", "p=7", "--store", str(place))
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert "error: cannot write" in err


def test_a_share_says_what_it_takes_and_what_is_left(capsys: pytest.CaptureFixture, store: Path) -> None:
    args = (*SWEEP, "--grid", "d_mlp=8,16,24", "--share", "1/2", "--store", str(store))
    dry = json.loads(run(capsys, *args, "--dry-run", "--json")[1])
    assert (len(dry["plan"]), dry["packs"]["all"], dry["share"]) == (2, 3, "1/2")
    assert not store.exists()
    code, out, _ = run(capsys, *args)
    assert (code, len(out.splitlines())) == (0, 1)
    assert "share 1/2 has ended; 1 of 3 packs are left: the other shares do them" in out
    code, out, _ = run(capsys, *args[:-4], "--store", str(store))
    assert (code, "all done" in out) == (0, True)


def test_a_read_only_store_is_one_line(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.open", read_only)
    code, out, err = run(capsys, *SWEEP, "--grid", "p=7", "--store", str(store))
    assert (code, out) == (1, "")
    assert "read-only (read-only file system); choose a folder that you can write" in err


def test_a_pack_that_fails_is_said_after_the_others_are_done(capsys: pytest.CaptureFixture, store: Path) -> None:
    grid = ("--grid", 'norm_sphere=[],["W_nowhere"]')
    code, out, err = run(capsys, *SWEEP, *grid, "--store", str(store), "--json")
    assert code == 1
    assert "error: 1 of 2 packs failed; " in err
    assert "unknown tensor 'W_nowhere'" in err.splitlines()[-1]
    result = json.loads(out)
    assert (len(result["trained"]), len(result["failed"])) == (1, 1)


def test_a_study_is_planned_and_says_that_few_seeds_decide_nothing(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimating, "_start_seconds", lambda: 3.0)
    monkeypatch.setattr(
        studies, "arms", lambda *_, first: made({"free": [tiny(seed=seed, **SIZE) for seed in range(4)]})
    )
    code, out, err = run(capsys, "study", "stages", "--scale", "tiny", "--dry-run", "--json", "--store", str(store))
    assert code == 0
    assert json.loads(out)["study"].startswith("stages-tiny-")
    assert "note: arm 'free' (4 runs) decide nothing: a verdict needs at least 5 seeds" in err
    assert not store.exists()


def test_a_study_is_carried_out(capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "base": [tiny(seed=seed, **SIZE) for seed in range(2)],
        "weight_decay=0": [tiny(seed=seed, weight_decay=0.0, **SIZE) for seed in range(2)],
    }
    monkeypatch.setattr(studies, "arms", lambda *_, first: made(own))
    monkeypatch.setattr(studies, "wanted", lambda *_: {"measures": {"base": ("weights.effective_rank",)}})
    args = ("study", "stages", "--scale", "tiny", "--workers", "1", "--json", "--store", str(store))
    code, out, _ = run(capsys, *args)
    assert code == 0
    found = json.loads(out)
    assert len(found["trained"]) == 2
    card = Scorecard.load(found["scorecard"])
    assert card.runs == {"base": 2, "weight_decay=0": 2}
    assert {row.theory for row in card.rows} == {"stages"}
    assert {row.verdict for row in card.rows} == {"undecided"}  # of two seeds
    assert found["verdicts"] == card.counts()
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert page.endswith("</html>\n")
    assert f"grokscope report {found['study']}" in page
    # What was read of each pack is told by its hash.
    (folder,) = {pack for pack in card.segments if (store / pack / "pack.json").exists()} & {found["trained"][0]}
    for name, digest in card.segments[folder].items():
        path = next((store / folder).rglob(name))
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest)
    assert card.segments[folder]
    # Only the arm that is asked for is measured on its checkpoints.
    sql = "select count(distinct run) from metrics where measure = 'weights.effective_rank'"
    assert json.loads(run(capsys, "query", sql, "--store", str(store), "--json")[1])["rows"] == [[2]]
    assert json.loads(run(capsys, *args)[1])["trained"] == []
    # By the start of its id, the same verdicts and, in the other language, the same page.
    again = json.loads(run(capsys, "judge", "stages-tiny", "--theory", "stages", "--json", "--store", str(store))[1])
    assert [row["verdict"] for row in again["rows"]] == [row.verdict for row in card.rows]
    about = json.loads(run(capsys, "report", "stages-tiny", "--lang", "zh", "--json", "--store", str(store))[1])
    assert about["study"] == found["study"]
    assert "判定表" in Path(about["report"]).read_text(encoding="utf-8")


def test_arms_that_go_on_from_trained_weights_are_trained_after_them(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        studies, "arms", lambda *_, first: made({"base": [tiny(seed=seed, **SIZE) for seed in range(2)]})
    )
    monkeypatch.setattr(studies, "wanted", lambda *_: {})

    def following(theory: str, runs: Any, folder: Path) -> Any:
        assert theory == "manifold"
        assert folder.parent.parent == store / "studies"
        folder.mkdir(exist_ok=True)
        arm = []
        for one in runs["base"]:
            path = folder / f"{one.id}.safetensors"
            save_file({name: tensor.contiguous() for name, tensor in one.snapshot().params.items()}, path)
            arm.append(one.config.replace(start=str(path)))
        return list(made({"follow/keep": arm}).values())

    monkeypatch.setattr(studies, "following", following)
    args = ("study", "manifold", "--scale", "tiny", "--workers", "1", "--json", "--store", str(store))
    found = json.loads(run(capsys, *args)[1])
    assert len(found["trained"]) == 2
    assert Scorecard.load(found["scorecard"]).runs == {"base": 2, "follow/keep": 2}
    again = json.loads(run(capsys, *args)[1])
    assert (again["trained"], again["study"]) == ([], found["study"])
    # By its name alone it is the plan of all arms, and not that of the first ones.
    assert load_study(store, "manifold-tiny").id == found["study"]


def test_shares_of_a_study_wait_for_each_other_before_what_follows_and_judge_as_one(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"base": [tiny(seed=0, **SIZE)], "weight_decay=0": [tiny(seed=0, weight_decay=0.0, **SIZE)]}
    monkeypatch.setattr(studies, "arms", lambda *_, first: made(own))
    monkeypatch.setattr(studies, "wanted", lambda *_: {"measures": {"base": ("weights.effective_rank",)}})
    seen: list[dict[str, int]] = []

    def following(theory: str, runs: Any, folder: Path) -> Any:
        seen.append({name: len(arm) for name, arm in runs.items()})
        return list(made({"more": [tiny(seed=0, weight_decay=2.0, **SIZE)]}).values())

    monkeypatch.setattr(studies, "following", following)

    def share(text: str) -> dict[str, Any]:
        words = ("study", "stages", "--scale", "tiny", "--workers", "1", "--json", "--store", str(store))
        code, out, _ = run(capsys, *words, *(["--share", text] if text else []))
        assert code == 0
        return json.loads(out)

    first = share("1/2")
    assert (len(first["trained"]), first["left"], first["share"], "scorecard" in first) == (1, 1, "1/2", False)
    assert seen == []
    second = share("2/2")
    assert seen == [{"base": 1, "weight_decay=0": 1}]  # the last one goes on, with its share of three packs
    last = share("1/2")
    assert (second["left"] > 0) != ("scorecard" in second)
    assert (last["left"], Scorecard.load(last["scorecard"]).runs) == (0, {"base": 1, "weight_decay=0": 1, "more": 1})
    packs = {pack for said in (first, second, last) for pack in said["trained"]}
    assert packs == {path.parent.name for path in store.glob("*/pack.json")}
    assert len(packs) == 3
    assert share("")["trained"] == []


def test_the_verdicts_of_a_study_on_a_url_are_sent_with_it(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(studies, "arms", lambda *_, first: made({"base": [tiny(**SIZE)]}))
    monkeypatch.setattr(studies, "wanted", lambda *_: {})
    args = ("study", "stages", "--scale", "tiny", "--workers", "1", "--json", "--store", f"file://{tmp_path}/there")
    found = json.loads(run(capsys, *args)[1])
    sent = tmp_path / "there" / "studies" / found["study"]
    assert Scorecard.load(sent / "scorecard.json").runs == {"base": 1}
    assert (sent / "report.html").exists()


def test_until_decided_chooses_seeds_itself_and_a_budget_is_a_time(capsys: pytest.CaptureFixture, store: Path) -> None:
    for words, said in (
        (["--seeds", "3"], "leave out --seeds and --arms"),
        (["--budget", "8 hours"], "--budget must be a time such as 90m or 8h, got '8 hours'"),
        (["--budget", "-1h"], "--budget must be a time"),
    ):
        code, _, err = run(capsys, "study", "stages", "--until", "decided", *words, "--store", str(store))
        assert (code, said in err) == (2, True)
    code, _, err = run(capsys, "study", "stages", "--budget", "8h", "--store", str(store))
    assert (code, "--budget is for --until decided" in err) == (2, True)
