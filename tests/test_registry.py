"""Components are found by walking the package, and a misspelt one by its nearest match."""

import pytest

from grokscope import registry


@pytest.mark.parametrize("family", registry.FAMILIES.values())
def test_every_file_is_a_component_named_like_it(family: str) -> None:
    assert registry.names(family)
    for name in registry.names(family):
        assert registry.component(family, name) is not None


def test_components_of_subfolders_carry_their_family() -> None:
    assert "circuits.restricted_loss" in registry.names("measures")


@pytest.mark.parametrize(
    ("family", "wrong", "message"),
    [
        ("tasks", "modular_adition", "unknown task 'modular_adition'. Did you mean 'modular_addition'?"),
        ("measures", "circuits.gini", "unknown measure 'circuits.gini'. Did you mean 'circuits.gini_embedding'?"),
        ("losses", "xyz", "unknown loss 'xyz'. Known: "),
        (
            "tasks",
            "modular_power",
            "unknown task 'modular_power'. Did you mean 'modular_addition'? Known: modular_addition, ",
        ),
        ("cli", "raport", "unknown command 'raport'. Did you mean 'report'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(family: str, wrong: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        registry.component(family, wrong)
    assert str(error.value).startswith(message)


def test_a_message_names_five_at_most_those_that_are_near_first() -> None:
    known = [f"name_{number}" for number in range(40)] + ["weight_decay", "weight_decay_start"]
    told = registry.unknown("field", "wieght_decay", known)
    assert told == (
        "unknown field 'wieght_decay'. Did you mean 'weight_decay'? "
        "Known: weight_decay, weight_decay_start, name_0, name_1, name_10 and 37 others."
    )
    assert registry.unknown("field", "x" * 100, known).endswith(
        "Known: name_0, name_1, name_10, name_11, name_12 and 37 others."
    )
    assert registry.unknown("field", "a", ["c", "b"]) == "unknown field 'a'. Known: b, c."


def test_fields_of_components_do_not_collide() -> None:
    """Configs are flat: no component may claim a field of the run's or of another family's."""
    from grokscope.runs.config import RunConfig
    from grokscope.runs.fields import COMPONENTS, TRANSFORMS

    def fields(family: str, name: str) -> set[str]:
        return set(registry.component(family, name).options.model_fields)

    owners = {"run": set(RunConfig.model_fields)}
    for family in COMPONENTS.values():
        owners[family] = set().union(*(fields(family, name) for name in registry.names(family)))
    owners |= {name: fields(TRANSFORMS, name) for name in registry.names(TRANSFORMS)}  # a run has all of them
    families = list(owners)
    for i, one in enumerate(families):
        for other in families[i + 1 :]:
            assert not owners[one] & owners[other], (one, other)
