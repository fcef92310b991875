"""Every method has the same budget of tuning, and says what a reader must know."""

import itertools
from typing import Any

import pytest

from grokscope.registry import names
from grokscope.report.words import LANGUAGES
from grokscope.studies.race.base import CELLS, METHODS, REFERENCE, SETTINGS, Method, Setting, methods, settings, written

ALL, PLACES = methods(), list(settings())
TUNED = [one for one in PLACES if one.rates]


@pytest.mark.parametrize("setting", TUNED, ids=lambda one: one.id)
@pytest.mark.parametrize("name", ALL)
def test_all_that_are_tuned_have_as_many_different_cells(name: str, setting: Setting) -> None:
    cells = ALL[name].cells(setting)
    assert len({written(cell) for cell in cells}) == (1 if ALL[name].fixed else CELLS)
    for cell in cells:
        ALL[name].config(setting, cell, seed=3)  # ValueError for a field that it has not


@pytest.mark.parametrize("name", [name for name in ALL if not ALL[name].fixed])
def test_knobs_are_spread_evenly_and_every_rate_meets_every_decay(name: str) -> None:
    method, setting = ALL[name], TUNED[0]
    cells = method.cells(setting)
    decays = len(setting.decays) if method.decays else 1
    pairs = [(cell["learning_rate"], cell["weight_decay"]) for cell in cells]
    assert len(set(pairs)) == len(setting.rates) * decays
    for knob, values in method.knobs.items():
        tried = [cell[knob] for cell in cells]
        assert {tried.count(value) for value in values} == {CELLS // len(values)}
        for rate in {pair[0] for pair in pairs}:
            assert {cell[knob] for cell in cells if cell["learning_rate"] == rate} == set(values)


def test_the_square_of_two_knobs_is_latin() -> None:
    method = Method(id="two", title="", source="", knobs={"a": (1, 2), "b": (3, 4)})
    cells = method.cells(TUNED[0])
    table = [[(cell["a"], cell["b"]) for cell in cells[start : start + 4]] for start in range(0, CELLS, 4)]
    whole = set(itertools.product((1, 2), (3, 4)))
    assert all(set(row) == whole for row in table)
    assert all(set(column) == whole for column in zip(*table, strict=True))


@pytest.mark.parametrize("setting", PLACES, ids=lambda one: one.id)
def test_the_network_of_a_setting_can_hold_its_task(setting: Setting) -> None:
    assert not any("cannot learn" in remark for remark in setting.config().remarks)


@pytest.mark.parametrize("name", ALL)
def test_a_method_is_called_like_its_file_and_speaks_both_languages(name: str) -> None:
    method = ALL[name]
    assert method.id == name
    assert method.title
    assert method.source
    told: list[Any] = [method.why, method.oracle]
    told += (
        [] if method.published is None else [getattr(method.published, of) for of in ("setting", "baseline", "tuned")]
    )
    assert all(set(text) == set(LANGUAGES) for text in told if text is not None)
    assert (method.why is None) == (not method.expected.parts)


@pytest.mark.parametrize("setting", PLACES, ids=lambda one: one.id)
def test_nothing_in_a_setting_stops_a_run_that_has_arrived(setting: Setting) -> None:
    config = setting.config()
    assert config.stop_after * config.evaluate_every > config.max_steps
    assert set(setting.title) == set(LANGUAGES)
    assert bool(setting.rates) + bool(setting.arms) + bool(setting.tuned_in) == 1
    assert not set(setting.tuning_seeds) & set(range(setting.first_seed, setting.first_seed + 1000)) or setting.arms
    assert set(setting.of_method) <= set(ALL)
    assert set(setting.of_method.values()) <= set(setting.arms)
    assert setting.against in setting.arms or setting.against == REFERENCE
    if setting.tuned_in:
        assert setting.tuned_in in names(SETTINGS)


def test_a_race_needs_two_that_are_known() -> None:
    assert list(methods(["muon"])) == [REFERENCE, "muon"]
    with pytest.raises(ValueError, match="a race needs two arms"):
        methods([REFERENCE])
    with pytest.raises(ValueError, match=r"unknown method 'mun'. Did you mean 'muon'"):
        methods(["mun"])
    with pytest.raises(ValueError, match="unknown setting"):
        list(settings(["nowhere"]))
    assert set(names(METHODS)) == set(ALL)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "Not small"}, "an id is a name in small letters"),
        ({"fixed": True, "knobs": {"betas": (1,)}}, "has knobs to tune"),
        ({"rates": 0.0}, "are factors"),
        ({"decays": -1.0}, "are factors"),
    ],
)
def test_what_is_no_method_says_why(fields: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"id": "some", "title": "", "source": ""} | fields
    with pytest.raises(ValueError, match=said):
        Method(**given)
    with pytest.raises(ValueError, match="fewer than 16 cells"):
        Method(id="some", title="", source="", decays=0.0, knobs={"init_scale": (1.0, 0.5)}).cells(TUNED[0])
