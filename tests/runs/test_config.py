"""RunConfig: flat, frozen, validated, and the same after a round trip."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig, pack_id


@given(
    st.integers(3, 400),
    st.floats(0.01, 0.99),
    st.integers(0, 2**31),
    st.floats(0, 10),
    st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    st.sampled_from([(128, 4), (32, 8), (7, 1)]),
)
def test_a_config_survives_json(  # noqa: PLR0917  one argument a strategy
    p: int, fraction: float, seed: int, decay: float, betas: tuple, width: tuple
) -> None:
    config = RunConfig(
        p=p, train_fraction=fraction, seed=seed, weight_decay=decay, betas=betas, d_model=width[0], n_heads=width[1]
    )
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.betas == betas
    assert again.p == p
    assert pack_id([again]) == pack_id([config])


def test_fields_of_components_are_fields() -> None:
    config = recipe("quickstart", seed=3, weight_decay=0.5, d_mlp=64)
    assert (config.p, config.seed, config.weight_decay, config.d_mlp, config.d_model) == (59, 3, 0.5, 64, 128)
    assert json.loads(config.model_dump_json())["p"] == 59
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 1


def test_the_recipes_are_what_they_say() -> None:
    quick, nanda = recipe("quickstart"), recipe("nanda2023")
    shared = {
        "d_model": 128,
        "n_heads": 4,
        "d_mlp": 512,
        "learning_rate": 1e-3,
        "weight_decay": 1.0,
        "betas": (0.9, 0.98),
    }
    for config, p, fraction in ((quick, 59, 0.4), (nanda, 113, 0.3)):
        assert {name: getattr(config, name) for name in shared} == shared
        assert (config.p, config.train_fraction, config.warmup_steps) == (p, fraction, 10)


def test_ids_depend_on_every_field_and_on_the_order() -> None:
    later = [{"d_head": 3}, {"tied": False}, {"extra_outputs": 1}, {"unembed_bias": True}]
    assert len({pack_id([recipe("quickstart", **one)]) for one in [{}, *later]}) == 5
    assert pack_id([recipe("chughtai2023", tied=True)]) != pack_id([recipe("chughtai2023")])
    a, b = recipe("quickstart"), recipe("quickstart", seed=1)
    assert len({pack_id([a]), pack_id([b]), pack_id([a, b]), pack_id([b, a]), pack_id([a.replace(p=61)])}) == 5


@pytest.mark.parametrize(
    ("name", "id"), [("quickstart", "873c0a88d31d"), ("power2022", "c3fab24fcf4d"), ("chughtai2023", "b63fe159bd54")]
)
def test_fields_that_came_later_change_no_id_of_a_run_without_them(name: str, id: str) -> None:
    """The ids that these recipes had before transformers had d_head, tied, extra_outputs and unembed_bias."""
    assert pack_id([recipe(name)]) == id


def test_one_name_on_the_sphere_may_stand_alone() -> None:
    assert recipe("quickstart", norm_sphere="all") == recipe("quickstart", norm_sphere=("all",))


def test_changing_the_seed_back_gives_the_same_config() -> None:
    config = recipe("quickstart")
    assert config.replace(seed=5).replace(seed=config.seed) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"wieght_decay": 1}, "unknown field 'wieght_decay'. Did you mean 'weight_decay'?"),
        ({"d_modle": 1}, "unknown field 'd_modle'. Did you mean 'd_model'?"),
        ({"p": 2}, "p: input should be greater than or equal to 3 (got 2)"),
        ({"train_fraction": 0}, "train_fraction: input should be greater than 0 (got 0)"),
        ({"train_fraction": 1.0}, "train_fraction: input should be less than 1 (got 1.0)"),
        ({"task": "modular_adition"}, "unknown task 'modular_adition'. Did you mean 'modular_addition'?"),
        ({"model": "transfomer"}, "unknown model 'transfomer'. Did you mean 'transformer'?"),
        ({"loss": "cross"}, "unknown loss 'cross'. Did you mean 'cross_entropy'?"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'. Did you mean 'adam'?"),
        ({"n_heads": 3}, "n_heads must divide d_model, got 3 and 128"),
        ({"betas": (0.9, 1.0)}, "betas: both must lie in [0, 1) (got (0.9, 1.0))"),
        ({"learning_rate": float("nan")}, "learning_rate: input should be a finite number (got nan)"),
        ({"init_scale": 0}, "init_scale: input should be greater than 0 (got 0)"),
        ({"init_scale": -1.5}, "init_scale: input should be greater than 0 (got -1.5)"),
        ({"norm_sphere_step": "angel"}, "norm_sphere_step: input should be 'rate' or 'angle' (got 'angel')"),
        ({"max_steps": "many"}, "max_steps: input should be a valid integer"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_came_and_what_was_expected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        recipe("quickstart", **fields)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe 'quikstart'. Did you mean 'quickstart'"):
        recipe("quikstart")


SUBTRACTION: dict[str, Any] = {"task": "binary_operation", "operation": "x-y", "p": 11}


@pytest.mark.parametrize(
    ("fields", "remarks"),
    [
        ({}, []),
        ({"norm_sphere": ("all",), "weight_decay": 0.0}, []),
        (
            {"norm_sphere": ("all",), "weight_decay": 0.5},
            ["weight_decay = 0.5 shrinks no weight: norm_sphere rescales all of them after each step"],
        ),
        ({"norm_sphere": ("all",), "tensor_decays": {"W_E": 0.0}}, []),
        (
            {"norm_sphere": ("W_E", "W_U")},
            ["weight_decay = 1 shrinks only the tensors outside norm_sphere: the others are rescaled after it"],
        ),
        ({"norm_sphere": ("all",), "weight_decay": 0.0, "norm_sphere_step": "angle"}, []),
        ({"norm_sphere_step": "angle"}, ["norm_sphere_step = angle changes nothing: norm_sphere names no tensor"]),
        ({"model": "embedding_mlp", "tied": True, "combine": "add"}, []),
        ({"model": "embedding_mlp", "tied": True, "combine": "concat"} | SUBTRACTION, []),
        (
            {"model": "embedding_mlp", "tied": True, "combine": "add"} | SUBTRACTION,
            [
                "the network answers (a, b) as (b, a), and in 110 of 121 inputs these have different answers: "
                "it cannot learn them"
            ],
        ),
    ],
    ids=str,
)
def test_settings_that_do_less_than_they_seem_to_are_said(fields: dict[str, Any], remarks: list[str]) -> None:
    assert recipe("quickstart", **fields).remarks == remarks
