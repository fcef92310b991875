"""The evidence ledger: verdicts follow from it alone, and nothing wrong gets into it."""

import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import Missing, StoreError
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Prediction, Text, Theory
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.controls import subjects
from grokscope.predictions.ledger import Ledger, Ran, ledger, named, plain
from grokscope.predictions.ledger_file import COLUMNS, file_digest, read_ledger, write_ledger
from grokscope.predictions.merging import merged
from grokscope.predictions.readings import At, Fact, Instrument
from grokscope.predictions.recorded import notes, recorded, require_theories, unknown_rows
from grokscope.predictions.subject import Subject
from grokscope.predictions.verdict import judged
from grokscope.runs.store.checksum import BLANK, stamp
from grokscope.runs.store.parquet import read_table
from grokscope.runs.store.readings import Record
from grokscope.statistics.looks import Looks
from grokscope.statistics.regions import above
from grokscope.studies.judging import judge
from grokscope.theories.base import theories
from tests.conftest import tiny
from tests.predictions import made
from tests.predictions.lines import line, run, small

TITLE: Text = {"en": "made", "zh": "虚构"}
DAMAGED = r"truncated or damaged|is no ledger"
LOOKS = Looks(sizes=(5, 6), first=0)
README = Path(__file__).parents[2] / "docs" / "evidence" / "README.md"


def taken(subject: Subject, reading: At) -> Record:
    """The record of a reading that is drawn at random; a few have no answer."""
    value: float | None = made.read(subject, reading)
    run: Any = subject.run
    lacking = run.rng("lacking", reading.instrument.label, subject.untrained or reading.stage).random() < 0.05
    return Record(
        run=run.id,
        key=reading.key,
        step=1,
        value=None if lacking else value,
        missing="made without" if lacking else "",
        digest=reading.instrument.digest,
        versions="grokscope 0.1.0, torch 2.6",
    )


@pytest.fixture(scope="module", autouse=True)
def _made() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(Subject, "record", taken)
    yield
    patch.undo()


def made_ledger(world: int = 0, seeds: int = 5, looks: Looks | None = None) -> Ledger:
    arms = made.arms(world, seeds)
    return ledger(theories().values(), subjects(arms), arms, looks)


@pytest.fixture(scope="module")
def whole() -> Ledger:
    return made_ledger()


@pytest.fixture(scope="module")
def path(whole: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ledger(whole, tmp_path_factory.mktemp("ledger") / "whole.parquet")


@pytest.mark.parametrize(("world", "seeds", "looks"), [(0, 5, None), (1, 6, LOOKS)])
def test_a_ledger_gives_the_scorecard_of_its_study_byte_for_byte(
    world: int, seeds: int, looks: Looks | None, tmp_path: Path
) -> None:
    arms = made.arms(world, seeds)
    found = [judged(theory, subjects(arms), looks) for theory in theories().values()]
    card = Scorecard(
        claims=tuple(claim for claims, _ in found for claim in claims),
        rows=tuple(row for _, rows in found for row in rows),
        runs={name: len(arm) for name, arm in arms.items()},
        looks=looks.sizes if looks else (),
    )
    path = write_ledger(made_ledger(world, seeds, looks), tmp_path / "x.parquet")
    again = judge(path)
    assert again.ledger == file_digest(path)
    assert card.model_copy(update={"ledger": again.ledger}).model_dump_json() == again.model_dump_json()
    assert any(row.effect is not None for row in again.rows)
    assert any(row.missing for row in again.rows)
    one = judge(str(path), theory="circuits")
    assert one.claims == tuple(claim for claim in again.claims if claim.theory == "circuits") != ()


def test_every_reading_of_a_row_is_a_number_of_a_name_of_its_own(whole: Ledger) -> None:
    """`ledger` itself refuses what is no number; here, that each reading of each row is there under its key."""
    lines = {(line.row, line.reading) for line in whole.lines}
    for theory in theories().values():
        for row in theory.predictions:
            keys = [reading.key for reading in set(map(plain, row.readings))]
            assert len(set(keys)) == len(keys), row.name
            if any(map(row.looks_at, whole.arms.values())):
                name = (theory.id, row.id, row.part, row.version)
                assert {(name, key) for key in keys} <= lines, named(name)


def test_the_same_readings_give_the_same_bytes(whole: Ledger, path: Path, tmp_path: Path) -> None:
    assert read_ledger(path) == whole
    assert list(read_ledger(path).arms) == list(whole.arms)
    rng = random.Random(0)
    arms = [arm.having(rng.sample(arm.runs, len(arm))) for arm in made.arms(0).values()]
    shuffled = subjects(Arms(arms))
    again = write_ledger(
        ledger(reversed(theories().values()), shuffled, made.arms(0), None), tmp_path / "again.parquet"
    )
    assert again.read_bytes() == path.read_bytes()


def test_what_the_runs_of_an_arm_share_is_written_once(path: Path) -> None:
    _, texts = read_table(path, COLUMNS, "ledger")
    for arm in json.loads(texts["ledger"])["arms"]:
        assert {"task", "model", "weight_decay"} <= arm["config"].keys()
        assert all(len(of_run) == 2 for of_run in arm["runs"])


def test_a_run_keeps_its_config_but_for_where_its_first_weights_lay(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"none")
    configs = [tiny(seed=seed, start=str(weights)) for seed in range(3)]
    arm = Arm(family="go", value=2, name="go/2", also=(("p", 11),), runs=tuple(made.Made("go", c, 0) for c in configs))
    row: Any = Prediction(
        id="a.b", claim={"en": "", "zh": ""}, measured={"en": "", "zh": ""}, arms=("go/2",), readings=(),
        statistic=lambda _: Missing("none"), supports=above(0), refutes=above(1),
    )  # fmt: skip
    theory = Theory(id="a", title=TITLE, source="", predictions=(row,))
    arms: Any = Arms([arm])
    path = write_ledger(ledger([theory], subjects(arms), arms, None), tmp_path / "x.parquet")
    (kept,) = read_ledger(path).arms.values()
    assert (kept.family, kept.value, kept.also) == ("go", 2, (("p", 11),))
    assert str(tmp_path).encode() not in path.read_bytes()
    for before, after in zip(configs, recorded(read_ledger(path), theory)["go/2"], strict=True):
        assert after.config.model_dump() == before.model_dump() | {"start": "weights.safetensors"}


def theory_of(*readings: Any, **fields: Any) -> Theory:
    """One row that reads the base."""

    def statistic(given: Any) -> Means:
        return Means({(i,): run[readings[0]] for i, run in enumerate(given["base"])})

    about: dict[str, Any] = {
        "id": "made.one", "claim": {"en": "", "zh": ""}, "measured": {"en": "", "zh": ""}, "arms": ("base",),
        "readings": readings, "statistic": statistic, "supports": above(0), "refutes": above(1),
    }  # fmt: skip
    return Theory(id="made", title=TITLE, source="", predictions=(Prediction(**(about | fields)),))


X = At("after", Instrument("x"))


def test_what_stands_for_no_answer_is_for_readings_that_were_taken() -> None:
    held = small(value=None, missing="no answer")
    (one, *_) = recorded(held, theory_of(X))["base"]
    assert one.value(X) == Missing("no answer")
    assert one.value(X.otherwise(2.0)) == 2.0
    assert one.value(At("memorised", X.instrument).otherwise(2.0)) == Missing(
        "the ledger has no reading x @ memorised of seed 0 in the arm base"
    )


def test_step_0_of_the_base_is_an_arm_in_which_all_stages_are_one() -> None:
    zero = line(0, "untrained", reading="x @ untrained", run="base-0", value=5.0)
    held = replace(small(), lines=(*small().lines, zero))
    theory = theory_of(X, At("memorised", X.instrument), controls={"untrained": lambda _: Missing("none")})
    assert [recorded(held, theory)["untrained"][0].value(reading) for reading in theory.predictions[0].readings] == [
        5,
        5,
    ]
    assert recorded(held, theory)["base"][1].value(X) == 1 / 7


def test_remarks_on_what_was_never_taken_on_other_definitions_and_on_absent_rows() -> None:
    known = small(digest=X.instrument.digest)
    assert list(notes(known, [theory_of(X)])) == []
    stale = replace(known, lines=(*known.lines[:2], replace(known.lines[2], digest="", value=None, missing="nobody")))
    assert list(notes(stale, [theory_of(X)])) == ["1 readings were never taken: the same study again takes them"]
    assert list(notes(small(), [theory_of(X)])) == [
        "3 readings of x were taken with another definition of it: the same study takes them anew"
    ]
    assert list(notes(known, [theory_of(X, id="made.two")])) == [
        "the ledger has no line of 1 rows, such as made: made.two: it was written without them"
    ]
    unit = Fact("unit", lambda _: 1.0)
    held = small(reading="unit", digest="bbb")
    (remark,) = notes(held, [theory_of(unit)])
    assert remark.startswith("3 readings of the reading 'unit' were taken with another definition")


def test_lines_of_what_is_not_known_here_are_named() -> None:
    with pytest.raises(StoreError, match=r"lines of an unknown theory 'made'\. .*Known: .*circuits.* plugin"):
        require_theories(small(), theories())
    assert unknown_rows(small(part="a", version=2), [theory_of(X)]) == ["made: made.one/a v2"]
    assert unknown_rows(small(), [theory_of(X)]) == []
    plugin = replace(
        small(), arms=Arms([Arm(family="base", name="base", runs=tuple(run(s, task="mine") for s in range(3)))])
    )
    with pytest.raises(StoreError, match=r"the arm base cannot be made here \(.*unknown task 'mine'.*plugin"):
        _ = recorded(plugin, theory_of(X))["base"][0].config


def twice(**fields: Any) -> Ledger:
    """Two rows that read the same, of which the second says something else."""
    other = line(0, **({"part": "z"} | fields))
    return replace(small(), lines=(*small().lines, other))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: small(value=math.nan), "x @ after, arm base, seed 0: the value is nan"),
        (lambda: small(value=math.inf), "the value is inf; a line has a finite number"),
        (lambda: small(value=None), "the value is None; a line has a finite number, or the reason"),
        (lambda: small(missing="both"), "a line has a finite number, or the reason why not"),
        (lambda: small(seeds=(0, 0)), "the arm base has two runs of seed 0: base-0 and base-0"),
        (lambda: replace(small(), lines=(line(0), line(0))), "seed 0: the line stands twice in the row made: made.one"),
        (lambda: twice(value=2.0), r"it is there twice: 0.0 of run base-0 and 2.0 of run base-0"),
        (lambda: twice(run="base-9"), "it is there twice: .* of run base-9"),
        (lambda: replace(small(), lines=(line(0), line(1, digest="bbb"))), r"another definition \(bbb, not aaa"),
        (lambda: replace(small(), lines=(line(7),)), "the line is of the run base-7, and the arm has no run of it"),
        (lambda: replace(small(), lines=(line(1, run="x"),)), "of the run x, and the arm has the run base-1"),
        (lambda: small(looks=Looks(sizes=(10, 20), first=1000)), "seed 0 of the arm base is in no look: 10, 20 seeds"),
        (
            lambda: replace(small(), arms=Arms([Arm(family="base", name="base", runs=(run(0), run(1, p=13), run(2)))])),
            "runs of the arm base differ in p, 11 and 13: they are two arms under one name",
        ),
    ],
)  # fmt: skip
def test_a_ledger_that_contradicts_itself_cannot_be_made(wrong: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        wrong()


def test_seeds_may_draw_their_own_data() -> None:
    runs = tuple(run(seed, data_seed=seed) for seed in range(3))
    assert replace(small(), arms=Arms([Arm(family="base", name="base", runs=runs)])).lacking() == {}


def test_numbers_that_come_from_trained_weights_may_differ_by_seed_and_nothing_else() -> None:
    def following(**fields: Any) -> Arms[Any]:
        runs = [run(seed, start="weights", start_hash=f"{seed}", init_scale=0.7 + seed / 10) for seed in range(2)]
        return Arms([Arm(family="base", name="base", runs=(*runs, run(2, start_hash="2", init_scale=1.0, **fields)))])

    assert len(replace(small(), arms=following(start="weights")).arms["base"]) == 3
    with pytest.raises(StoreError, match="runs of the arm base differ in p, 11 and 13"):
        replace(small(), arms=following(start="weights", p=13))
    scales = Arms([Arm(family="base", name="base", runs=tuple(run(s, init_scale=1 + s / 2) for s in range(3)))])
    with pytest.raises(StoreError, match="runs of the arm base differ in init_scale"):
        replace(small(), arms=scales)


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    arms: Any = Arms([Arm(family="base", name="base", runs=(made.Made("base", tiny(), 0),))])
    zeros: Any = np.zeros(2)
    shape = Fact("shape", lambda _: zeros)
    with pytest.raises(StoreError, match=r"shape of run base-0 is array.*: a ledger holds numbers"):
        ledger([theory_of(shape)], subjects(arms), arms, None)
    lines = ledger([theory_of(Fact("nan", lambda _: math.nan))], subjects(arms), arms, None).lines
    assert [one.missing for one in lines] == ["the reading nan of run base-0 is nan, which is no answer"]


@pytest.mark.parametrize("change", [None, {"value": None, "missing": "nobody knows"}])
def test_a_number_that_every_run_has_is_not_missed_in_silence(whole: Ledger, tmp_path: Path, change: Any) -> None:
    """No answer to whether it grokked must not count as no."""
    arm = next(line.arm for line in whole.lines if line.reading == "grokked")

    def otherwise(one: Any) -> tuple[Any, ...]:
        if (one.reading, one.arm, one.seed) != ("grokked", arm, 0):
            return (one,)
        return () if change is None else (replace(one, **change),)

    changed = replace(whole, lines=tuple(new for one in whole.lines for new in otherwise(one)))
    path = write_ledger(changed, tmp_path / "changed.parquet")
    with pytest.raises(StoreError, match=r"no number of 'grokked' of seed \d+ in the arm .*, which every run has"):
        judge(path)


def test_seeds_that_are_missing_in_the_middle_are_named() -> None:
    assert small(seeds=(2, 3, 6)).lacking() == {"base": [4, 5]}
    assert small(seeds=(2, 3, 6), looks=Looks(sizes=(5, 10), first=1)).lacking() == {"base": [1, 4, 5]}


def test_seeds_of_another_ledger_are_added() -> None:
    both = merged(small(seeds=(0, 1)), small(seeds=(1, 2)))
    assert both == small(seeds=(0, 1, 2))
    never = replace(small(), lines=tuple(line(s, value=None, missing="nobody", digest="") for s in range(3)))
    assert merged(never, small()) == small() == merged(small(), never)
    later = small(versions="grokscope 0.2.0")
    assert merged(small(), later) == small() == merged(later, small())


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (small(), small(value=3.0), r"seed 0: it is there twice: 0\.0 of run base-0 and 3\.0 of run base-0"),
        (small(seeds=(0,)), small(seeds=(0,), value=None, missing="no"), "twice: 0.0 of run base-0 and 'no' of run"),
        (
            small(seeds=(0,)),
            Ledger(
                arms=Arms([Arm(family="base", name="base", runs=(Ran("x", run(0).fields),))]),
                places={"base": 0},
                lines=(line(0, run="x"),),
            ),
            "it is there twice: 0.0 of run base-0 and 0.0 of run x",
        ),
        (small(), small(digest="bbb"), r"other definitions, aaa \(grokscope 0\.1\.0\) and bbb"),
        (small(seeds=(0, 1)), small(seeds=(2, 3), digest="bbb"), r"another definition \(bbb, not aaa"),
        (small(), small(looks=Looks(sizes=(10, 20))), "another set of looks: 10, 20 seeds from 0 .* has one look"),
        (
            small(looks=Looks(sizes=(10, 20))),
            small(looks=Looks(sizes=(10, 40))),
            "another set of looks: 10, 40 seeds from 0 at a level of 0.05; the ledger has 10, 20",
        ),
        (
            small(seeds=(0,)),
            Ledger(
                arms=Arms([Arm(family="base", name="base", runs=(run(1, p=13),))]),
                places={"base": 0},
                lines=(line(1),),
            ),
            "runs of the arm base differ in p, 11 and 13",
        ),
        (
            small(),
            replace(small(), arms=Arms([replace(small().arms["base"], family="p", value=11)])),
            "two arms are called base: their family is 'base' and 'p'",
        ),
        (
            small(seeds=(0,)),
            replace(small(seeds=(0,)), arms=Arms([Arm(family="base", name="base", runs=(run(0, p=13),))])),
            "run base-0 of the arm base has two configs",
        ),
    ],
)  # fmt: skip
def test_what_contradicts_the_ledger_is_not_added(one: Ledger, other: Ledger, message: str) -> None:
    for pair in ((one, other), (other, one)):
        with pytest.raises(StoreError) as raised:
            merged(*pair)
        assert "\n" not in str(raised.value)
        if pair[0] is one:
            assert re.search(message, str(raised.value)), raised.value


@st.composite
def parts(draw: st.DrawFn) -> Ledger:
    """A part of one ledger: some of its arms and of their seeds, perhaps not all readings taken, by some version."""
    names = ("base", "p=13", "p=17")
    chosen = draw(st.sets(st.tuples(st.sampled_from(names), st.integers(0, 2))))  # few, so that parts overlap
    untaken, number = draw(st.booleans()), draw(st.integers(1, 3))
    arms, lines = {}, []
    for name in draw(st.permutations(names))[: draw(st.integers(1, 3))]:
        p = int(name.partition("=")[2] or 11)
        also = (("p", 11),) if name == "base" and draw(st.booleans()) else ()
        seeds = sorted(seed for arm, seed in chosen if arm == name)
        runs = tuple(run(seed, name, p=p, data_seed=seed) for seed in seeds)
        arms[name] = Arm(family="p", value=p, name=name, also=also, runs=runs)
        lack = {"value": None, "missing": "nobody", "digest": "", "versions": ""} if untaken else {}
        for part in draw(st.sampled_from(("a", "ab", ""))):
            about = {"part": part, "versions": f"grokscope 0.{number}.0"} | lack
            lines += [line(seed, name, **about) for seed in seeds]
    ordered = tuple(sorted(lines, key=lambda one: one.place))
    return Ledger(arms=Arms(arms.values()), places={name: i for i, name in enumerate(arms)}, lines=ordered)


@given(parts(), parts(), parts())
def test_merging_is_associative_commutative_and_idempotent(one: Ledger, two: Ledger, three: Ledger) -> None:
    both = merged(one, two)
    assert both == merged(two, one)
    assert list(both.arms) == list(merged(two, one).arms)
    assert merged(both, three) == merged(one, merged(two, three))
    assert merged(one, one) == one
    assert merged(both, one) == both


@given(parts())
def test_every_ledger_goes_to_a_file_and_back(tmp_path_factory: pytest.TempPathFactory, one: Ledger) -> None:
    path = tmp_path_factory.mktemp("part") / "x.parquet"
    assert read_ledger(write_ledger(one, path)) == one


def test_parts_of_a_study_together_are_the_study(whole: Ledger, path: Path, tmp_path: Path) -> None:
    def half(seeds: set[int]) -> Ledger:
        arms = whole.arms.having(lambda arm: [run for run in arm if run.seed in seeds])
        return replace(whole, arms=arms, lines=tuple(line for line in whole.lines if line.seed in seeds))

    together = merged(half({1, 3, 4}), half({0, 2}))
    assert write_ledger(together, tmp_path / "x.parquet").read_bytes() == path.read_bytes()


def test_a_flipped_bit_and_a_lost_end_are_found(path: Path, tmp_path: Path) -> None:
    data, copy, rng = path.read_bytes(), tmp_path / "copy.parquet", random.Random(1)
    for place in [*range(4, 12), *range(len(data) - 300, len(data) - 4), *rng.sample(range(len(data)), 60)]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << rng.randrange(8)
        copy.write_bytes(damaged)
        with pytest.raises(StoreError, match=DAMAGED):
            read_ledger(copy)
    for length in (0, 3, 4, 100, len(data) // 2, len(data) - 4, len(data) - 1):
        copy.write_bytes(data[:length])
        with pytest.raises(StoreError, match=DAMAGED):
            read_ledger(copy)


def rewritten(path: Path, target: Path, *, select: str = "*", about: str | None = None, stamped: bool = True) -> Path:
    """A ledger as DuckDB alone writes it, with some columns or texts replaced."""
    found = duckdb.execute(f"SELECT key::BLOB::VARCHAR, value FROM parquet_kv_metadata('{path}')").fetchall()
    known = dict(found)
    text = (bytes(known["ledger"]).decode() if about is None else about).replace("'", "''")
    mark = f", grokscope: '{BLANK}'" if stamped else ""
    duckdb.execute(
        f"COPY (SELECT {select} FROM read_parquet('{path}')) TO '{target}' "
        f"(FORMAT parquet, KV_METADATA {{ledger: '{text}'{mark}}})"
    )
    if stamped:
        stamp(target)
    return target


LOOK_TWICE = '{"format":1,"looks":{"sizes":[10,10,20],"first":0,"level":0.05},"arms":[]}'


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"select": "* REPLACE ('nan'::DOUBLE AS value)"}, "the value is nan"),
        ({"select": "* REPLACE ('-infinity'::DOUBLE AS value)"}, "the value is -inf"),
        ({"select": "* REPLACE (0::BIGINT AS seed)"}, "stands twice"),
        ({"select": "* EXCLUDE (digest)"}, "is no ledger: its columns are theory, claim"),
        ({"about": LOOK_TWICE}, r"is no ledger: looks must be at growing numbers of seeds, got \[10, 10, 20\]"),
        ({"about": '{"format":2}'}, "its format is 2, and this version of grokscope reads 1"),
        ({"about": "[]"}, "is no ledger"),
        ({"about": '{"format":1,"looks":null,"arms":[{"name":"base"}]}'}, "is no ledger: 'place'"),
        ({"stamped": False}, "is no ledger: it is a Parquet file without our checksum"),
    ],
)
def test_a_file_that_somebody_else_wrote_is_checked(changed: Any, message: str, tmp_path: Path) -> None:
    path = write_ledger(small(), tmp_path / "x.parquet")
    assert read_ledger(rewritten(path, tmp_path / "same.parquet")) == small()
    with pytest.raises(StoreError, match=message) as raised:
        read_ledger(rewritten(path, tmp_path / "other.parquet", **changed))
    assert "\n" not in str(raised.value)
    assert "other.parquet" in str(raised.value)


def test_other_files_are_no_ledgers(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("theory,claim\n")
    with pytest.raises(StoreError, match="is no ledger: it is no Parquet file"):
        read_ledger(tmp_path / "text.parquet")
    with pytest.raises(ValueError, match=r"there is no ledger .*nowhere"):
        read_ledger(tmp_path / "nowhere.parquet")
    with pytest.raises(StoreError, match="cannot read"):
        read_ledger(tmp_path)
    with pytest.raises(ValueError, match=r"a ledger is a file .parquet, got"):
        write_ledger(small(), tmp_path / "x.csv")


def test_a_line_has_a_column_for_each_of_its_fields() -> None:
    assert set(COLUMNS) == set(asdict(line()))


def test_the_page_redoes_a_verdict_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arms = made.arms(0, 20)
    path = write_ledger(ledger([theories()["stages"]], subjects(arms), arms, None), tmp_path / "x.parquet")
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len([one for one in code.splitlines() if one]) <= 10
    known: dict[str, Any] = {"LEDGER": path}
    exec(code, known)
    (row,) = [row for row in judge(path, theory="stages").rows if row.name == "stages.three/order"]
    assert known["n"] == row.n > 0
    assert known["ones"] / known["n"] == row.effect
    assert (known["interval"].low, known["interval"].high) == pytest.approx((row.low, row.high), abs=1e-9)
    assert f"{known['ones']} of {row.n} seeds" in capsys.readouterr().out
