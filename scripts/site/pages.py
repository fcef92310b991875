"""Pages that are made from the code: a page a measure family from the registry, and the public names of the package."""

import inspect
import re
from functools import cache
from importlib import import_module

import grokscope
from grokscope.measures.base import NEEDS, Measure, measures

WHEN = {
    "cheap": "while training",
    "heavy": "at every checkpoint",
    "final": "at the last checkpoint",
    "asked": "when it is named",
}


@cache
def made() -> dict[str, str]:
    """The name of each page that is made, and its text."""
    families: dict[str, list[Measure]] = {}
    for name, one in measures().items():
        families.setdefault(name.partition(".")[0], []).append(one)
    family = {f"measures/{name}.md": _family(name, members) for name, members in families.items()}
    return {"measures/index.md": _overview(families), **family, "api/index.md": _api()}


def _about(family: str) -> str:
    return inspect.cleandoc(import_module(f"grokscope.measures.{family}").__doc__ or "")


def _overview(families: dict[str, list[Measure]]) -> str:
    rows = [
        f"| [{name}]({name}.md) | {_first_line(_about(name))} | "
        + ", ".join(f"[{one.id.partition('.')[2]}]({name}.md#{_anchor(one.id)})" for one in members)
        + " |"
        for name, members in families.items()
    ]
    return "\n".join(
        [
            "# Measures",
            "",
            f"{sum(map(len, families.values()))} quantities in {len(families)} families. Each page has the definition, "
            "the equation, the unit, the source and how to ask for it. The pages are made from the code.",
            "",
            'A measure takes a snapshot, the network at one step: `gs.measure("weights.norm", run.snapshot())`. It '
            "gives a number, a small array, or `Missing` with the reason. `grokscope measure RUN --only id` measures "
            "the checkpoints of a run. Measures of your own: [My measure](../guide/my_measure.md).",
            "",
            "| family | what it looks at | measures |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _family(name: str, members: list[Measure]) -> str:
    return "\n\n".join([f"# {name.capitalize()}", _prose(_about(name)), *map(_measure, members)]) + "\n"


def _measure(one: Measure) -> str:
    title, _, rest = one.definition.partition("\n")
    options = ", ".join(f"`{name}`" + _choices(choices) for name, choices in one.options.items())
    views = "; ".join(", ".join(f"{key}={value}" for key, value in of.items()) for of in one.variants if of)
    needs = "; ".join(f"`{need}`: otherwise {NEEDS[need][1]}" for need in one.needs)
    facts = {
        "unit": one.unit,
        "taken": WHEN[one.cost],
        "values": f"one for each {one.axis}" if one.axis else "",
        "stored views": views,
        "options": options,
        "needs": needs,
        "source": _linked(one.source),
    }
    table = ["|  |  |", "|---|---|", *(f"| {key} | {_cell(value)} |" for key, value in facts.items() if value)]
    return "\n\n".join([f"## `{one.id}` {{ #{_anchor(one.id)} }}", f"**{title}**", _prose(rest), "\n".join(table)])


def _anchor(name: str) -> str:
    return name.replace(".", "-")


def _choices(choices: tuple) -> str:
    return f" ({', '.join(map(str, choices))})" if choices else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _linked(source: str) -> str:
    """A source, with links where it has an identifier of arXiv or a DOI, or names a page of these docs."""
    source = re.sub(r"arXiv:(\d{4}\.\d{5}|\d{4}\.\d{4})", r"[arXiv:\1](https://arxiv.org/abs/\1)", source)
    source = re.sub(r"doi:([^\s,;]+[^\s,;.])", r"[doi:\1](https://doi.org/\1)", source)
    return re.sub(r"docs/decisions/(\d+)\.md", r"[decision \1](../decisions/\1.md)", source)


def _prose(text: str) -> str:
    """A docstring as Markdown: what is indented is an equation, and stays as it stands."""
    lines = []
    for line in text.strip("\n").split("\n"):
        spoken = re.split(r"(`[^`]*`)", line)  # code spans stay
        spoken[::2] = [re.sub(r"([<*_])", r"\\\1", part) for part in spoken[::2]]
        lines.append(line if line.startswith("    ") else "".join(spoken))
    return _linked("\n".join(lines))


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _api() -> str:
    """The public names, as `grokscope.__all__` has them; classes last."""
    names = sorted(grokscope.__all__, key=lambda name: (name[0].isupper(), name))
    parts = [f"::: {_place(name)}\n    options: {{heading: '{name}', toc_label: '{name}'}}" for name in names]
    head = "# Python\n\n`import grokscope as gs`. These names do not change without a line in the changelog."
    return "\n\n".join([head, *parts]) + "\n"


def _place(name: str) -> str:
    """Where a public name is defined."""
    value = getattr(grokscope, name)
    if inspect.ismodule(value):  # a package that can be called
        return CALLED[name]
    return f"{value.__module__}.{value.__qualname__}"


# The packages that are called themselves, and what answers.
CALLED = {
    "measures": "grokscope.measures.base.measures",
    "runs": "grokscope.runs.asking.runs",
    "watch": "grokscope.watch.watch.Watch",
}
