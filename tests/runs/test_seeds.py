"""Seeds of a config: each is what `replace` makes, and none is made before it is asked for."""

import json

import pytest

from grokscope.recipes.base import recipe
from grokscope.runs.config import pack_id
from grokscope.runs.identity import config_hash, pack_of_identities
from grokscope.runs.seeds import Seeds, by_seed


def test_the_seeds_of_a_config_are_those_that_replace_makes() -> None:
    base = recipe("quickstart", seed=5, weight_decay=0.5)
    _ = base.key
    made = list(Seeds(base, 3))
    assert made == [base.replace(seed=5 + number) for number in range(3)]
    assert [one.key for one in made] == [base.replace(seed=5 + number).key for number in range(3)]
    assert made[2].replace(p=31) == base.replace(seed=7, p=31)
    assert [one.plain for one in made] == [one.model_dump(mode="json") for one in made]
    with pytest.raises(ValueError, match="seed"):
        Seeds(base.replace(seed=2**63 - 2), 3)


@pytest.mark.parametrize("count", [1, 12])
def test_keys_and_ids_of_packs_are_told_without_making_configs(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their texts are put together around the seed, which must stand where JSON has it."""
    base = recipe("quickstart", seed=95, optimizer="sgd", tensor_rates={"W_E": 0.5})
    made = list(Seeds(base, count))
    expected = [config_hash(one.plain) for one in made], pack_id(made)
    monkeypatch.setattr(Seeds, "_made", None)
    lazy = Seeds(base, count)
    assert list(lazy.keys()) == expected[0]
    assert pack_of_identities(map(lazy.identity, range(count))) == expected[1]
    assert json.loads(lazy.identity(count - 1))["seed"] == 94 + count


def test_stretches_of_seeds_hold_every_config_once() -> None:
    base = recipe("quickstart")
    (whole,) = by_seed(Seeds(base, 4))
    assert [config.seed for config in whole] == [0, 1, 2, 3]
    assert [config.seed for config in whole[1:3]] == [1, 2]
    several = [base.replace(seed=9), base.replace(p=31)]
    assert [list(stretch) for stretch in by_seed(several)] == [[config] for config in several]
