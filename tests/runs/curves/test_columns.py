"""Which column is which: found where names leave no doubt, asked for where they do not."""

import pytest

from grokscope.runs.curves.columns import chosen, parse, quantity


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["step", "train_acc", "test_acc", "lr"],
            {"step": "step", "train_accuracy": "train_acc", "test_accuracy": "test_acc"},
        ),
        (
            ["iteration", "acc/train", "acc/val"],
            {"step": "iteration", "train_accuracy": "acc/train", "test_accuracy": "acc/val"},
        ),
        (
            ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"],
            {
                "step": "epoch",
                "train_accuracy": "accuracy",
                "train_loss": "loss",
                "test_accuracy": "val_accuracy",
                "test_loss": "val_loss",
            },
        ),
        (
            ["_step", "_runtime", "Train/Loss", "Eval/Loss"],
            {"step": "_step", "train_loss": "Train/Loss", "test_loss": "Eval/Loss"},
        ),
        (
            ["step", "train/epoch_accuracy", "validation/epoch_accuracy"],
            {"step": "step", "train_accuracy": "train/epoch_accuracy", "test_accuracy": "validation/epoch_accuracy"},
        ),
        (
            ["loss", "eval_loss", "step", "eval_runtime"],
            {"step": "step", "train_loss": "loss", "test_loss": "eval_loss"},
        ),
        (
            ["Step", "good-run - train_acc", "good-run - train_acc__MIN", "good-run - train_acc__MAX"],
            {"step": "Step", "train_accuracy": "good-run - train_acc"},
        ),
        (
            ["step", "trainAcc", "testloss", "train_loss_std", "train_test_gap_loss"],
            {"step": "step", "train_accuracy": "trainAcc", "test_loss": "testloss"},
        ),
        (
            ["step", "trainer/global_step", "epoch", "train_cross_entropy_loss"],
            {"step": "trainer/global_step", "train_loss": "train_cross_entropy_loss"},
        ),
    ],
)
def test_obvious_names_are_found(columns: list[str], expected: dict[str, str]) -> None:
    assert chosen(columns, {}) == expected


@pytest.mark.parametrize(
    ("columns", "given", "said"),
    [
        (["train_acc", "x"], {}, "no column of steps among train_acc, x; name them"),
        (["step", "a", "b"], {}, "no column of accuracies or losses among step, a, b; name them"),
        (["step", "loss"], {}, "no column of accuracies or losses"),  # of what?
        (["step", "val_acc", "test_acc"], {}, "test_accuracy could be any of val_acc, test_acc"),
        (["step", "a"], {"train_acuracy": "a"}, "unknown curve 'train_acuracy'. Did you mean 'train_accuracy'"),
        (["step", "acc"], {"train_accuracy": "ac"}, "unknown column 'ac'. Did you mean 'acc'"),
    ],
)
def test_others_are_asked_for(columns: list[str], given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        chosen(columns, given)


def test_what_is_given_goes_before_what_is_found() -> None:
    columns = ["it", "step", "val_acc", "test_acc", "train_acc"]
    assert chosen(columns, {"step": "it", "test/accuracy": "val_acc"}) == {
        "step": "it", "test_accuracy": "val_acc", "train_accuracy": "train_acc",
    }  # fmt: skip


def test_the_map_is_parsed_with_commas_and_equal_signs_in_columns() -> None:
    assert parse("train_accuracy=acc/train,step=iteration") == {"train_accuracy": "acc/train", "step": "iteration"}
    assert parse("test/loss=loss(a=1,b=2), step=it, 3") == {"test_loss": "loss(a=1,b=2)", "step": "it, 3"}
    for wrong in ("train_accuracy", "=a", "step=a,step=b"):
        with pytest.raises(ValueError, match="--map"):
            parse(wrong)


def test_what_a_column_holds() -> None:
    assert (quantity("acc/train"), quantity("valLoss")) == ("accuracy", "loss")
    with pytest.raises(ValueError, match="does not say whether"):
        quantity("train")
