"""How many directions the samples' gradients have."""

import functools
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn
from grokscope.measures.base import measure
from grokscope.numerics import spectra
from grokscope.runs.snapshot import Snapshot

At = Literal["logits", "weights"]
BLOCK = 2**27  # bytes of the gradients of a block of samples; memory holds two blocks


@measure(
    unit="1",
    source="Roy & Vetterli 2007, definition 1, of the gradients of Prieto et al. 2025, arXiv:2501.04697, section 4",
    cost="final",
)
def gradient_effective_rank(
    snapshot: Snapshot, at: At = "logits", split: str = "train", n_samples: int = 256, seed: int = 0
) -> float | Missing:
    """exp of the entropy of the normalised singular values of the matrix whose rows are the samples' loss gradients.

    at "logits": (sample, output), all samples of the split, the task's outputs without "=", as in the reported losses.
    Each row counts by its size, so samples with a collapsed softmax hardly count.
    at "weights": (sample, weight), all weights, the loss as trained with "=". From the Gram matrix of n_samples samples
    drawn with a seed (all samples of a smaller split); eigenvalues below rounding are 0. The matrix is never held as a
    whole, only two blocks of samples of 128 MiB each (or of one sample, if that is more).

    In float64, except the softmax, which has the dtype of training. `Missing` where every gradient is exactly 0.
    """
    index = drawn(snapshot, split, snapshot.task.n_inputs if at == "logits" else n_samples, seed)
    if isinstance(index, Missing):
        return index
    rank = _of_logits(snapshot, index) if at == "logits" else _of_weights(snapshot, index)
    return rank or Missing(f"every gradient at step {snapshot.step} is exactly 0, or one is not finite")


def _slopes(snapshot: Snapshot, outputs: Tensor, index: Int[Tensor, " sample"]) -> Float[Tensor, "sample output"]:
    """dL_i/dz_i of each sample's own loss L_i."""
    z = outputs[index].double().requires_grad_()
    losses = snapshot.loss(z, snapshot.task.targets[index], reduction="none")
    return torch.autograd.grad(losses.sum(), z)[0]


def _of_logits(snapshot: Snapshot, index: Int[Tensor, " sample"]) -> float:
    slopes = _slopes(snapshot, snapshot.outputs[:, : snapshot.task.n_outputs], index)
    return spectra.effective_rank(slopes.numpy()) if bool(slopes.isfinite().all()) else 0.0


def _of_weights(snapshot: Snapshot, index: Int[Tensor, " sample"]) -> float:
    # Without output_scale, the last factor of each gradient: the rank is free of scale.
    slopes = _slopes(snapshot, snapshot.outputs, index)
    size = 8 * sum(tensor.numel() for tensor in snapshot.params.values())
    blocks = list(torch.arange(len(index)).split(max(1, BLOCK // size)))
    gram = torch.zeros(len(index), len(index), dtype=torch.float64)
    for number, block in enumerate(blocks):
        own = _sample_gradients(snapshot, index[block], slopes[block])
        for other in blocks[: number + 1]:
            others = own if other is block else _sample_gradients(snapshot, index[other], slopes[other])
            part = functools.reduce(torch.add, (own[name] @ others[name].T for name in own))
            gram[block[:, None], other], gram[other[:, None], block] = part, part.T
    if not bool(gram.isfinite().all()):
        return 0.0
    values = torch.linalg.eigvalsh(gram)
    noise = len(index) * torch.finfo(torch.float64).eps * values[-1]
    singular = torch.where(values > noise, values.clamp(min=0), 0.0).sqrt()
    return spectra.effective_rank(torch.diag(singular).numpy())


def _sample_gradients(
    snapshot: Snapshot, index: Int[Tensor, " sample"], slopes: Float[Tensor, "sample output"]
) -> dict[str, Float[Tensor, "sample weight"]]:
    """The gradient of each sample, by tensor."""
    # Sample by sample: a batch of backward passes is slower and would hold a copy of the weights for each sample.
    leaves = {name: tensor.double().unsqueeze(0).requires_grad_() for name, tensor in snapshot.params.items()}
    by_tensor = {name: tensor.new_empty(len(index), tensor.numel()) for name, tensor in leaves.items()}
    for row, (sample, slope) in enumerate(zip(snapshot.task.inputs[index], slopes, strict=True)):
        outputs = snapshot.model.outputs(leaves, sample[None, None])[0, 0]
        gradients = torch.autograd.grad(outputs, list(leaves.values()), slope, materialize_grads=True)
        for into, gradient in zip(by_tensor.values(), gradients, strict=True):
            into[row] = gradient.flatten()
    return by_tensor
