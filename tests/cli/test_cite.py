"""`grokscope cite`: each paper that a source names has an entry, each entry is BibTeX; a run cites what it used."""

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli._papers import bibtex, named_in, papers
from grokscope.cli.base import main
from grokscope.measures.base import measures
from grokscope.recipes.base import recipe
from grokscope.registry import component, names, place
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from grokscope.studies.race.base import METHODS
from grokscope.theories.base import theories
from tests.conftest import tiny

YEAR = r"(?:19|20)\d\d"
AUTHORS = r"[A-Z][\w'-]+(?:,? [A-Z][\w'-]+)*(?: et al\.| & [A-Z][\w -]+?)?"
PAPER = re.compile(rf"arXiv:\d{{4}}\.\d{{4,5}}|doi:[^\s,;]+[^\s,;.]|\b{AUTHORS} {YEAR}\b")
FAMILIES = ("recipes", "tasks", "models", "losses", "training.optimizers", "training.transforms")


def sources() -> dict[str, str]:
    """What every component says of where it comes from."""
    found = {name: one.source for name, one in measures().items()} | {
        name: one.source for name, one in theories().items()
    }
    found |= {f"methods {name}": component(METHODS, name).source for name in names(METHODS)}
    for family in FAMILIES:
        for name in names(family):
            one = component(family, name)
            own = importlib.import_module(place(family, name))
            found[f"{family} {name}"] = f"{inspect.getdoc(one) or ''} {inspect.getdoc(own) or ''}"
    return found


@pytest.mark.parametrize(("name", "source"), sources().items(), ids=lambda value: value[:40])
def test_every_paper_of_a_source_has_an_entry(name: str, source: str) -> None:
    """Each identifier, and each author with a year, leads to an entry."""
    known = [papers()[key] for key in named_in(source)]
    years = {str(paper["year"]) for paper in known}
    for mention in PAPER.findall(" ".join(source.split())):
        if mention.startswith(("arXiv:", "doi:")):
            wanted = mention.partition(":")[2]
            assert any(wanted in (paper.get("arxiv"), paper.get("doi")) for paper in known), mention
        else:
            assert mention[-4:] in years, mention


def fields(entry: str) -> dict[str, str]:
    """The fields of one entry; an AssertionError for what is no BibTeX."""
    head, *lines, end = entry.splitlines()
    assert re.fullmatch(r"@(misc|article|inproceedings|book|software)\{[a-z]+\d{0,4}[b-z]?,", head), head
    assert end == "}"
    found = {}
    for line in lines:
        match = re.fullmatch(r"  ([a-z]+) = \{(.*)\},", line)
        assert match, line
        depth = 0
        for sign in match[2]:
            depth += {"{": 1, "}": -1}.get(sign, 0)
            assert depth >= 0, line
        assert depth == 0, line
        assert not re.search(r"(?<!\\)[&%#_$]", match[2]) or match[1] in ("url", "doi", "eprint"), line
        found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("key", papers())
def test_every_entry_parses(key: str) -> None:
    paper = papers()[key]
    parsed = fields(bibtex(key, paper))
    assert parsed["author"].split(" and ") == list(paper["author"])
    assert all("," in name for name in paper["author"])
    assert parsed["title"] == "{" + paper["title"].replace("&", r"\&") + "}"
    name = re.sub(r"[^a-z]", "", paper["author"][0].partition(",")[0].lower().partition("-")[0])
    assert re.fullmatch(name + parsed["year"] + "[b-z]?", key)  # the second paper of an author and year ends in b
    assert len({"eprint", "doi", "journal", "publisher", "booktitle", "howpublished"} & parsed.keys()) >= 1


def test_identifiers_belong_to_one_entry_each() -> None:
    for kind in ("arxiv", "doi", "title"):
        known = [paper[kind] for paper in papers().values() if kind in paper]
        assert len(set(known)) == len(known)


def cited(capsys: pytest.CaptureFixture, run: Run, *more: str) -> dict[str, Any]:
    assert main(["cite", str(run.folder), "--json", *more]) == 0
    return {entry["key"]: entry for entry in json.loads(capsys.readouterr().out)["entries"]}


def test_a_run_cites_its_recipe_its_parts_and_its_measures(capsys: pytest.CaptureFixture, tiny_run: Run) -> None:
    found = cited(capsys, tiny_run)
    assert next(iter(found)) == "grokscope"
    assert any(use.startswith("recipe quickstart (but for d_mlp, d_model") for use in found["nanda2023"]["for"])
    assert "optimizer adamw" in found["loshchilov2019"]["for"]
    assert "attention.entropy" in found["ghader2017"]["for"]
    assert "lee2024" not in found
    assert "gromov2023" not in found
    for entry in found.values():
        fields(entry["bibtex"])


def test_what_is_turned_on_is_cited_and_theories_that_one_speaks_of(capsys: pytest.CaptureFixture, store: Path) -> None:
    run = train(tiny(grokfast_gain=2.0, max_steps=5), store=store, progress=False)
    found = cited(capsys, run, "--theory", "weight_efficiency")
    assert "transform grokfast" in found["lee2024"]["for"]
    assert "theory weight_efficiency" in found["varma2023"]["for"]


def test_a_run_on_data_of_others_cites_the_data(capsys: pytest.CaptureFixture, store: Path) -> None:
    """The words of a task's own file, not those of the class that all tasks share."""
    config = recipe("kumar_digits", max_steps=2)
    found = cited(capsys, train(config, store=store, progress=False))
    assert found["alpaydin1998"]["for"] == ["task digits"]


def test_text_is_a_file_of_references(capsys: pytest.CaptureFixture, tiny_run: Run) -> None:
    assert main(["cite", str(tiny_run.folder)]) == 0
    text = capsys.readouterr().out
    entries = [part for part in re.split(r"\n(?=@)|\n\n%[^\n]*\n", text) if part.startswith("@")]
    assert len(entries) == text.count("\n@")
    for entry in entries:
        fields(entry.rstrip())
    assert all(line.startswith(("%", "@", "  ", "}")) or not line for line in text.splitlines())
