"""The story on the first page: a small network is trained when the site is built, and its story is told in a frame.

A page asks for it by a line `<!-- story -->`.
"""

import tempfile
from functools import cache
from html import escape
from pathlib import Path

import grokscope
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.report.page.script import SMALL
from grokscope.report.study.story import write_story
from grokscope.report.words import LANGUAGES, Lang
from grokscope.studies.judging import judged_ledger

LEDGER = Path(__file__).parents[2] / "docs" / "evidence" / "confirmatory.parquet"
PLOTLY = f"javascripts/{SMALL.name}"  # of the site
# It groks within seconds. Only what the story tells is measured.
FIELDS = {"p": 31, "train_fraction": 0.45, "learning_rate": 3e-3, "evaluate_every": 25}
MEASURES = (
    "circuits.restricted_loss",
    "circuits.excluded_loss",
    "circuits.neuron_explained",
    "manifold.certified_circles",
)
WORDS = {
    "en": {
        "title": "The story of a network",
        "says": "Scroll down in the frame: one network, from learning by heart to understanding. It adds modulo 31, "
        "and was trained when this site was built.",
        "alone": "The story on a page of its own",
    },
    "zh": {
        "title": "一个网络的故事",
        "says": "在框里往下翻，看一个网络怎样从死记走到弄懂。它学的是模 31 的加法，是生成本站时当场训练的。",
        "alone": "单独打开这个故事",
    },
}


@cache
def made() -> dict[str, str]:
    """The file of each language, and its text. plotly.js comes from the site's own copy."""
    with tempfile.TemporaryDirectory() as name:
        run = grokscope.train(grokscope.recipe("quickstart", **FIELDS), store=name, progress=False)
        measure_checkpoints(run, only=MEASURES)
        card = judged_ledger(LEDGER)
        paths = {
            lang: write_story(run, Path(name) / file(lang), lang=lang, plotly="folder", card=card) for lang in LANGUAGES
        }
        return {
            file(lang): path.read_text(encoding="utf-8").replace(f'src="{SMALL.name}"', f'src="{PLOTLY}"')
            for lang, path in paths.items()
        }


def file(lang: Lang) -> str:
    """Where a story lies in the site."""
    return "story.html" if lang == "en" else f"story.{lang}.html"


def frame(lang: Lang) -> str:
    """The frame that shows it, for a page at the site's root: one line, so that Markdown leaves it alone."""
    said = {key: escape(text) for key, text in WORDS[lang].items()}
    return (
        f'<div class="story"><p>{said["says"]} <a href="{file(lang)}">{said["alone"]}</a></p>'
        f'<iframe src="{file(lang)}" title="{said["title"]}"></iframe></div>'
    )
