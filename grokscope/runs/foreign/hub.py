"""A run's network as the Hugging Face hub has one: a folder of model.safetensors, config.json and README.md.

The README is a model card: a header in YAML (https://huggingface.co/docs/hub/model-cards), then what was trained, when
it memorised and generalised, and how to load it. Text that comes from elsewhere, as the name of a task, is written as
JSON, which YAML reads too, and without signs of Markdown or HTML.
"""

import json
import re
import warnings
from importlib.metadata import version
from typing import Any

import torch

from grokscope.registry import component
from grokscope.runs.foreign.lens import lens_config
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.foreign.weights import is_transformer
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot

# Identifiers as the hub and SPDX have them: mit, apache-2.0, cc-by-4.0; unknown is one of the hub's.
LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,39}")
UNKNOWN = "unknown"
CARD = """---
{header}
---

# A {model} trained on {task}

Trained with grokscope {version}; run `{run}`, step {step}.

| | |
|---|---|
{rows}

{load}## Config

```json
{config}
```
"""
LOAD = """## Load it

```python
import json
import grokscope as gs
from safetensors.torch import load_file

config = json.load(open("config.json"))
snap = gs.snapshot(load_file("model.safetensors"), **config["snapshot"])
snap.logits
```

"""


def require_licence(licence: str) -> str:
    """ValueError for what is no identifier of a licence."""
    if not LICENCE.fullmatch(licence):
        raise ValueError(f"license = {licence!r:.60}: expected an identifier such as mit, apache-2.0 or cc-by-4.0")
    return licence


def hub_config(run: Run, snap: Snapshot) -> dict[str, Any]:
    """config.json: the run's config; what `gs.snapshot` takes beside the weights, None where it would give another
    network, as of a linearised one; and TransformerLens's config, None where it has none."""
    known = is_transformer(run.config.model) and not run.config.bottleneck
    return {
        "model_type": "grokscope",
        "architectures": [run.config.model],
        "dtype": run.config.dtype,
        "grokscope_version": version("grokscope"),
        "run": run.id,
        "step": snap.step,
        "config": run.fields,
        "snapshot": _arguments(run, snap),
        "transformer_lens": lens_config(run.config, snap.params) if known else None,
    }


def card(run: Run, config: dict[str, Any], licence: str) -> str:
    """README.md. config: that of `hub_config`."""
    header = {
        "license": licence,
        "library_name": "grokscope",
        "tags": ["grokking", "mechanistic-interpretability", run.config.task],
    }
    return CARD.format(
        header="\n".join(f"{name}: {_plain(value)}" for name, value in header.items()),
        model=_word(run.config.model),
        task=_word(run.config.task),
        version=version("grokscope"),
        run=run.id,
        step=config["step"],
        load=LOAD if config["snapshot"] else "",
        rows="\n".join(f"| {name} | {value} |" for name, value in _rows(run).items()),
        config=_plain(run.fields, indent=1),
    )


def _rows(run: Run) -> dict[str, str]:
    """What a reader asks first: when it memorised and generalised, and how it ended."""
    about = run.summary()
    final = {name.replace("/", " "): value for name, value in about["final"].items() if value is not None}
    if not final:
        return {"curves": "none are known, so that it is not known when it memorised or generalised"}
    steps = {"memorised at step": "memorized_at", "generalised at step": "generalized_at", "delay in steps": "delay"}
    rows = {name: "not reached" if about[key] is None else f"{about[key]:,}" for name, key in steps.items()}
    if about["lost_at"] is not None:
        rows["lost again from step"] = f"{about['lost_at']:,}"
    rows["grokked"] = "yes" if about["grokked"] else "no"
    rows["steps trained"] = f"{about['steps']:,}"
    return rows | {f"final {name}": f"{value:.6g}" for name, value in final.items()}


def _arguments(run: Run, snap: Snapshot) -> dict[str, Any] | None:
    """The arguments of `gs.snapshot`, tried: None unless they give the same logits, labels and training inputs."""
    fields, config = run.fields or {}, run.config
    families = (component("tasks", config.task), component("models", config.model))
    names = ["task", "model", *sorted(name for one in families for name in one.options.model_fields)]
    given = {name: fields[name] for name in names if fields.get(name) is not None}
    if torch.equal(snap.task.split(config.train_fraction, config.seed), snap.train_mask):
        given |= {"train_fraction": config.train_fraction, "seed": config.seed}
    elif not snap.train_mask.all():  # without a split every input counts as trained on
        given["train_mask"] = snap.train_mask.nonzero().flatten().tolist()
    try:
        with warnings.catch_warnings(action="ignore"):
            again = snapshot(snap.params, **given)
    except ValueError:
        return None
    pairs = [(again.logits, snap.logits), (again.labels, snap.labels), (again.train_mask, snap.train_mask)]
    return given if all(torch.equal(one, other) for one, other in pairs) else None


def _plain(value: Any, indent: int | None = None) -> str:
    """JSON without signs that Markdown or HTML know."""
    text = json.dumps(value, indent=indent, default=str)
    return text.replace("`", "\\u0060").replace("<", "\\u003c").replace(">", "\\u003e")


def _word(name: str) -> str:
    return re.sub(r"[^\w ]", " ", name.replace("_", " "))
