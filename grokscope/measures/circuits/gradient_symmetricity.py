"""Whether the network uses its two operands in the same way."""

import random
from collections.abc import Mapping
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.circles import one_table
from grokscope.measures.base import measure
from grokscope.models.base import Interface
from grokscope.runs.snapshot import Snapshot

# Triples computed together: a transformer without "=" scores every pair of its rows.
TOGETHER = 200
# More triples than these (p = 125) are not shuffled: 2 seconds and 80 MB.
SHUFFLED = 2_000_000


@measure(
    unit="1",
    source="Zhong et al. 2023, arXiv:2306.17844, definition 4.1 and released code",
    cost="heavy",
    needs=("embedding", "classes"),
)
def gradient_symmetricity(snapshot: Snapshot, n_samples: int = 1000, seed: int = 42) -> float | Missing:
    """Mean cosine between a logit's gradients in the embeddings of the two operands: 1 if the network reads their sum.

        s_g = mean over triples (a, b, c) of  cos( d Q_abc / d E_a,  d Q_abc / d E_b )

    Q_abc: the logit of c, for any answer c, right or wrong. E: the rows of the symbols' table, before positions and
    behind a bottleneck of the embedding. Pizzas are above .98; clocks are well below. The standard deviation among
    triples is .4, so 100 triples leave a standard error of .04.

    Triples: the first n_samples of all inputs times all answers, in lexicographic order, after
    random.Random(seed).shuffle; n_samples=100, seed=42 are the published ones. More than two million triples are drawn
    by random.Random(seed).sample. Triples with a gradient of 0 have no cosine and are left out.

    Of the network itself: without output scale and f_0. `Missing` unless inputs are two symbols of one table: a table
    of one operand can be rotated without changing the network.
    """
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    task, params = snapshot.task, one_table(snapshot)
    if isinstance(params, Missing):
        return params
    if task.inputs.shape[1] != 2:
        return Missing(f"inputs have {task.inputs.shape[1]} operands: it compares two")
    drawn = torch.tensor(_drawn(task.n_inputs * task.n_classes, n_samples, seed))
    gradients = [_gradients(snapshot, params, triples) for triples in drawn.split(TOGETHER)]
    left, right = (torch.cat(side) for side in zip(*gradients, strict=True))
    lengths = left.norm(dim=1) * right.norm(dim=1)
    defined = lengths > 0
    if not defined.any():
        return Missing("no logit depends on both operands")
    return float(((left * right).sum(1)[defined] / lengths[defined]).mean())


@cache
def _drawn(n_triples: int, n_samples: int, seed: int) -> tuple[int, ...]:
    generator = random.Random(seed)
    if n_triples > SHUFFLED:
        return tuple(generator.sample(range(n_triples), min(n_samples, n_triples)))
    order = list(range(n_triples))
    generator.shuffle(order)
    return tuple(order[:n_samples])


def _gradients(
    snapshot: Snapshot, params: Mapping[str, Tensor], triples: Int[Tensor, " triple"]
) -> tuple[Float[Tensor, "triple d_model"], Float[Tensor, "triple d_model"]]:
    """In the embeddings of the first and of the second operands.

    The network is run over new symbols, one for each operand of each triple. The gradient of the table then keeps all
    triples apart, whatever the network does with its embeddings.
    """
    task, model, n = snapshot.task, snapshot.model, len(triples)
    inputs, answers = task.inputs[triples // task.n_classes], triples % task.n_classes
    packed = {name: tensor.detach()[None] for name, tensor in params.items()}
    rows = packed["W_E"][:, inputs.T.flatten()].requires_grad_()
    packed["W_E"] = torch.cat([rows, packed["W_E"][:, task.n_symbols :]], dim=1)
    wide = type(model)(model.settings, Interface(n_symbols=2 * n, n_operands=2, n_outputs=model.interface.n_outputs))
    with torch.enable_grad():
        outputs = wide.outputs(packed, torch.arange(2 * n).view(1, 2, n).mT)[0, :, : task.n_outputs]
        if task.templates is None:
            logits = outputs.gather(1, answers[:, None])
        else:
            logits = -(outputs - task.templates[answers].to(outputs)).square().sum(1)
        (gradient,) = torch.autograd.grad(logits.sum(), rows)
    return gradient[0, :n].double(), gradient[0, n:].double()
