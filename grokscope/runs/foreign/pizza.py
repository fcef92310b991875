"""The released networks of Zhong et al. 2023 (arXiv:2306.17844), from both training scripts, and their JSON.

The main script trains transformers (`embed.W_E`, `blocks.0.attn.W_Q`, ...) and, with `use_linear`, networks without
attention that concatenate the tokens' embeddings. The linear script trains model types A, B, C, D and X
(`embed.weight`, `l1.weight`, ...). `models.embedding_mlp` says what each type is in our options.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.registry import unknown
from grokscope.runs.foreign.files import bytes_of
from grokscope.runs.outside import Refused, parsed

ACTIVATIONS = {"ReLU": "relu", "GeLU": "gelu", "Tanh": "tanh"}
# Model type of the linear script -> how it combines its embeddings, and the number of hidden layers.
TYPES = {"A": ("add", 1), "B": ("add", 2), "C": ("add_after", 2), "D": ("concat", 1), "X": ("add", 1)}


class Family(NamedTuple):
    """What a format says of its networks. fields: options that all of them have. started: options of their initial
    weights. facts: what a config beside the file says of the training."""

    fields: dict[str, Any]
    started: dict[str, Any]
    facts: dict[str, Any]


def read_config(path: Path, config: str | Path | None) -> dict[str, Any]:
    """The released JSON, by default config_ID.json beside model_ID.pt."""
    place = Path(config) if config else path.with_name(f"{path.stem.replace('model_', 'config_', 1)}.json")
    if config is None and not place.is_file():
        raise GrokscopeError(
            f"{path} has no {place.name} beside it, which says its modulus and attention; give one with config"
        )
    try:
        about = parsed(bytes_of(place, "json"))
    except Refused:
        raise
    except ValueError as error:
        raise GrokscopeError(f"{place} is not JSON: {error}") from error
    if not isinstance(about, dict):
        raise GrokscopeError(f"{place} holds a {type(about).__name__}, expected an object with C, attn_coeff, ...")
    if (kind := about.get("model_type")) and kind not in TYPES:
        raise ValueError(unknown("model_type", kind, TYPES))
    needed = {"C"} if kind or about.get("use_linear") else {"C", "attn_coeff"}
    if missing := needed - set(about):
        raise GrokscopeError(f"{place} lacks {', '.join(sorted(missing))}: it is no config of a released network")
    return about


def family(config: Mapping[str, Any], task: str, *, several: bool) -> Family:
    """The options of the network of a config. The released code never reads attention_dir: every query attends to all
    keys.

    several: whether the transformer has several layers.
    """
    function = str(config.get("funcs", "")).replace(" ", "")
    if task == "modular_addition" and function not in ("", f"lambdax:(x[0]+x[1])%{config['C']}"):
        raise ValueError(f"these weights were trained on {config['funcs']!r}; name their task with --task")
    names = {"frac": "train_fraction", "lr": "learning_rate", "weight_decay": "weight_decay", "epoch": "max_steps"}
    facts = {ours: config[theirs] for theirs, ours in names.items() if config.get(theirs) is not None}
    fields: dict[str, Any] = {"p": config["C"]} if task == "modular_addition" else {}
    if kind := config.get("model_type"):
        combine, _ = TYPES[kind]
        fields |= {"model": "embedding_mlp", "activation": "relu", "combine": combine, "tied": kind != "X"}
        started = {"init": "zhong", "embed_scale": 1 if kind == "D" else 2**0.5}
        return Family(fields | {"output_bias": False}, started, facts)
    if (activation := config.get("act_fn", "ReLU")) not in ACTIVATIONS:
        raise ValueError(unknown("activation", activation, ACTIVATIONS))
    fields["activation"] = ACTIVATIONS[activation]
    if config.get("use_linear"):
        fields |= {"model": "embedding_mlp", "combine": "concat", "tied": not config.get("diff_vocab")}
        return Family(fields | {"output_bias": False}, {"init": "normal"}, facts)
    fields["attention_rate"] = config["attn_coeff"]
    if "diff_vocab" in config:
        fields["tied"] = not config["diff_vocab"]
    if "eqn_sign" in config:
        fields["equals_token"] = bool(config["eqn_sign"])
    if several:
        fields |= {"causal": False, "layer_norm": "none"}
    return Family(fields, {"init": "nanda"} if several else {"scale_W_in_by": "d_mlp"}, facts)


def own_names(weights: Mapping[str, Tensor], config: Mapping[str, Any], notes: list[str]) -> dict[str, Tensor] | None:
    """A network without attention under the names of `embedding_mlp`; None for a transformer.

    ValueError for a missing tensor, and for one that its model type does not have.
    """
    rest, kind = dict(weights), config.get("model_type")
    if not kind and not config.get("use_linear"):
        return None
    try:
        params = _linear(rest, kind) if kind else _concatenated(rest, config, notes)
    except KeyError as error:
        raise ValueError(f"weights lack the tensor {error.args[0]}; they have {', '.join(sorted(weights))}") from None
    if rest:
        raise ValueError(f"the network of this config has no tensor {', '.join(sorted(rest))}")
    return {name: tensor.contiguous() for name, tensor in params.items()}


def _linear(rest: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """A network of the linear script; takes its tensors out of `rest`."""
    tables = {"embed1": "W_E", "embed2": "W_E_right"} if kind == "X" else {"embed": "W_E"}
    params = {ours: _taken(rest, f"{theirs}.weight", 2) for theirs, ours in tables.items()}
    params |= {"W_in": _taken(rest, "l1.weight", 2).T, "b_in": _taken(rest, "l1.bias", 1)}
    if TYPES[kind][1] == 2:
        params |= {"W_hidden": _taken(rest, "l2.weight", 2).T[None], "b_hidden": _taken(rest, "l2.bias", 1)[None]}
    return params | {"W_out": _taken(rest, "unembed.weight", 2).T}


def _concatenated(rest: dict[str, Tensor], config: Mapping[str, Any], notes: list[str]) -> dict[str, Tensor]:
    """A network of the main script: the tokens' embeddings, zeros up to d_model, then square layers; takes its tensors
    out of `rest`. The embedding of "=" is the same in every input, so it is added to the first bias."""
    p, equals, two_tables = int(config["C"]), bool(config.get("eqn_sign")), bool(config.get("diff_vocab"))
    table, n = _taken(rest, "embed.W_E", 2).T, p * (1 + two_tables)
    if len(table) != n + equals:
        raise ValueError(f"embed.W_E has shape {tuple(table.T.shape)}, expected {n + equals} columns")
    width, layers, biases = table.shape[1], list[Tensor](), list[Tensor]()
    while f"blocks.{len(layers)}.W_in" in rest:
        name = f"blocks.{len(layers)}"
        biases.append(_taken(rest, f"{name}.b_in", 1))
        layers.append(_taken(rest, f"{name}.W_in", 2).T)
    if not layers or len(layers[0]) < (2 + equals) * width:
        raise KeyError(f"blocks.0.W_in of at least {(2 + equals) * width} columns")
    if equals:
        biases[0] = biases[0] + table[n] @ layers[0][2 * width : 3 * width]
        notes.append('the embedding of "=" is the same in every input: it was added to the first bias')
    W_U = _taken(rest, "unembed.W_U", 2)
    if W_U.shape[1] > p:
        notes.append(f"W_U has {W_U.shape[1]} outputs: those beyond the classes were cut off")
    params = {"W_E": table[:p], "W_in": layers[0][: 2 * width], "b_in": biases[0], "W_out": W_U[:, :p]}
    if two_tables:
        params["W_E_right"] = table[p : 2 * p]
    if len(layers) > 1:
        params |= {"W_hidden": torch.stack(layers[1:]), "b_hidden": torch.stack(biases[1:])}
    return params


def _taken(rest: dict[str, Tensor], name: str, n_axes: int) -> Tensor:
    tensor = rest.pop(name)
    if tensor.ndim != n_axes:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {n_axes} axes")
    return tensor
