"""The arms of every study: those that its predictions ask for, at least five seeds each, none declared twice."""

import pytest

from grokscope.predictions.families import Family
from grokscope.predictions.scales import SCALES
from grokscope.studies.arms import arms, studies, wanted
from grokscope.theories.base import theories

# Arms that start from what others have learned are made of trained runs.
LATER = ("follow/", "ungrok/")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", studies())
def test_every_arm_that_a_theory_asks_for_is_there(name: str, scale: str) -> None:
    found = arms(name, scale)  # pyright: ignore[reportArgumentType]
    known = theories().values() if name == "all" else [theories()[name]]
    needed = {arm for theory in known for arm in theory.needed if not arm.startswith(LATER)}
    assert needed <= set(found)


@pytest.mark.parametrize("scale", SCALES)
def test_every_arm_has_five_seeds_or_more_and_no_seed_twice(scale: str) -> None:
    for name, configs in arms("all", scale).items():  # pyright: ignore[reportArgumentType]
        seeds = [config.seed for config in configs]
        assert len(seeds) == len(set(seeds)) >= 5, name
        drawn = {"seed", "data_seed"}
        assert len({config.model_dump_json(exclude=drawn) for config in configs}) == 1, name


@pytest.mark.parametrize("scale", SCALES)
def test_arms_that_no_row_needs_are_trained_only_where_they_are_asked_for(scale: str) -> None:
    for name, theory in theories().items():
        optional = {one.id: one for one in theory.arms if isinstance(one, Family) and one.optional}
        standard = arms(name, scale)  # pyright: ignore[reportArgumentType]
        assert not optional.keys() & {arm.family for arm in standard.values()}
        for family in optional:
            asked = arms(name, scale, only=[family])  # pyright: ignore[reportArgumentType]
            assert {arm.family for arm in asked.values()} == {family}
            assert not asked.keys() & standard.keys()
    with pytest.raises(ValueError, match="Did you mean 'collapse'"):
        arms("softmax_collapse", "tiny", only=["colapse"])


def test_what_is_stored_at_checkpoints_is_what_predictions_read_there() -> None:
    found = wanted("manifold", arms("manifold", "tiny"))
    assert "manifold.gride" in found["measures"]["base"]
    assert "manifold.gride" in found["measures"]["random_labels"]
    assert found["measures"]["embed/1"] == ()
    every = wanted("all", arms("all", "tiny"))
    assert all(set(found["measures"][arm]) <= set(every["measures"][arm]) for arm in found["measures"])


def test_readings_are_planned_for_the_arms_that_predictions_look_at() -> None:
    found = wanted("manifold", arms("manifold", "tiny"))["readings"]
    keys = {arm: {reading.key for reading in readings} for arm, readings in found.items()}
    assert "manifold.equivariance[view=embed/tokens] @ after" in keys["sphere/0.4"]
    assert "manifold.betti[view=resid_mid/class_means]#1 @ after" in keys["task=plain_addition"] & keys["random_labels"]
    assert "manifold.betti[view=embed/tokens]#1 @ untrained" in keys["base"]  # the control of step 0
    assert keys["embed/2"] == set()


def test_more_seeds_are_the_same_arms_with_more_runs() -> None:
    few, many = arms("stages", "laptop"), arms("stages", "laptop", 32)
    assert few.keys() == many.keys()
    assert all(len(many[name]) == 32 and many[name].runs[: len(few[name])] == few[name].runs for name in few)
    with pytest.raises(ValueError, match="at least 1"):
        arms("stages", "laptop", 0)


def test_unknown_studies_and_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="Did you mean 'manifold'"):
        arms("manyfold", "tiny")
    with pytest.raises(ValueError, match="unknown scale 'small'"):
        arms("manifold", "small")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("scale", SCALES)
def test_no_two_theories_call_different_runs_the_same(scale: str) -> None:
    every = arms("all", scale)  # pyright: ignore[reportArgumentType]
    for name in studies():
        assert arms(name, scale).items() <= every.items()  # pyright: ignore[reportArgumentType]
