"""What commands say of themselves: every option described, defaults as people type them, examples that can be typed."""

import contextlib
import json
import re
import shlex

import pytest

from grokscope.cli._parsing import example, parsed
from grokscope.cli._words import options
from grokscope.cli.base import FIRST, GROUPS, MORE, main
from grokscope.registry import component, names
from grokscope.runs.fields import COMPONENTS

PYTHONS = re.compile(r"\bNone|NoneType|Undefined|MISSING|\bFalse\b|\bTrue\b|''|<[a-z]|Path\(|\(default: \)|\bSTR\b")


def told(capsys: pytest.CaptureFixture, *args: str) -> str:
    with contextlib.suppress(SystemExit):  # the parser's own way out, after its help
        assert main(list(args)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", names("cli"))
def test_help_shows_nothing_of_python(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    text = told(capsys, command, "--help")
    assert PYTHONS.findall(text) == []
    assert "common options" in text  # grouped


@pytest.mark.parametrize("command", names("cli"))
def test_help_describes_every_option(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """An option without a description would be told by its name alone."""
    monkeypatch.setenv("COLUMNS", "300")
    lines = [line.strip(" │|") for line in told(capsys, command, "--help").splitlines()]
    for option in options(component("cli", command)):
        name = option.flags[-1] if option.flags else option.metavar
        places = [i for i, line in enumerate(lines) if re.search(rf"(^|, ){re.escape(name)}(?!\w)", line)]
        assert places, name
        described = " ".join(lines[places[0] : places[0] + 2])
        assert len(re.sub(r"\(.*?\)", "", described).split()) >= 4, described


@pytest.mark.parametrize("command", names("cli"))
def test_the_example_of_every_command_can_be_typed(command: str) -> None:
    first, name, *words = shlex.split(example(component("cli", command)))
    assert (first, name) == ("grokscope", command)
    parsed(name, words)  # ValueError for what cannot be read; nothing is run


def test_the_overview_has_every_command_in_its_group(capsys: pytest.CaptureFixture) -> None:
    parts = told(capsys, "--help").split("\n\n")
    groups = {part.partition(":\n")[0]: re.findall(r"^  (\S+)  +\S", part, re.MULTILINE) for part in parts[1:-1]}
    assert [*groups] == [group for group in (*GROUPS, MORE) if group in groups]
    assert sorted(name for members in groups.values() for name in members) == sorted(names("cli"))
    assert {"run", "continue", "sweep"} <= set(groups["Train"])
    assert parts[-1].strip().endswith(FIRST)


def test_fields_show_nothing_of_python(capsys: pytest.CaptureFixture) -> None:
    assert PYTHONS.findall(told(capsys, "list", "fields")) == []


def test_units_of_fields_are_shown(capsys: pytest.CaptureFixture) -> None:
    """ "[steps]" in a text is a colour to the library that prints tables."""
    row = next(line for line in told(capsys, "list", "fields").splitlines() if line.startswith("weight_decay_start"))
    assert "steps" in row


def test_fields_of_a_task_and_a_model(capsys: pytest.CaptureFixture) -> None:
    rows = json.loads(told(capsys, "list", "fields", "--task", "binary_operation", "--model", "mlp", "--json"))[
        "fields"
    ]
    fields = {row["field"]: row for row in rows}
    assert len(fields) == len(rows)  # one config: no name twice
    assert fields["operation"]["of"] == "task binary_operation"
    assert fields["n_hidden"]["of"] == "model mlp"
    assert not {"n_heads", "k", "n_layers"} & fields.keys()
    assert fields["activation"]["choices"][:2] == ["relu", "quadratic"]
    assert fields["p"]["choices"] == ["≥ 2 and ≤ 1000"]
    assert fields["warmup_steps"]["unit"] == "steps"
    assert "[" not in fields["warmup_steps"]["what"]
    for kind, family in COMPONENTS.items():
        assert tuple(fields[kind]["choices"]) == names(family)


def test_a_field_that_must_be_given_says_so(capsys: pytest.CaptureFixture) -> None:
    rows = told(capsys, "list", "fields", "--task", "mnist").splitlines()
    assert "must be given" in next(row for row in rows if row.startswith("path "))


def test_help_is_a_command_too(capsys: pytest.CaptureFixture) -> None:
    assert told(capsys, "help") == told(capsys, "--help")
    assert told(capsys, "help", "run") == told(capsys, "run", "--help")
