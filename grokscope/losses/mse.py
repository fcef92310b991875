"""Mean squared error, on one-hot targets or on given ones.

    loss = (1/K) sum_k (f_k - t_k)^2,   t = onehot(y) for integer labels        [squared units of the target]

The mean over the K outputs is that of torch.nn.functional.mse_loss on one-hot targets (Gromov 2023, arXiv:2301.02679;
Liu et al. 2022, arXiv:2210.01117): at zero outputs the loss is 1/K.
"""

import torch
from torch import Tensor

from grokscope.losses.base import Loss, class_index
from grokscope.registry import Options, called


def losses_and_gradient(
    outputs: Tensor, targets: Tensor, _options: Options, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Mean squared error over the outputs, float64: of each sample, or (default) their mean.

    Integer targets are classes, one a sample; float targets have the shape of the outputs.
    """
    if targets.is_floating_point():
        if targets.shape != outputs.shape:
            raise ValueError(
                f"float targets must have the shape of the outputs, {tuple(outputs.shape)}, got {tuple(targets.shape)}"
            )
        error = outputs.double() - targets
    else:
        index = class_index(outputs, targets)
        error = outputs.to(torch.float64, copy=True)
        error.scatter_add_(-1, index, torch.full_like(error[..., :1], -1.0))
    losses = error.square().mean(-1)
    return losses, error.mul_(2 / outputs.shape[-1]) if with_gradient else None


also_called = called("mse_loss", "mean_squared_error", "squared_error", "square_loss", "l2", "l2_loss")
mse = Loss(options=Options, function=losses_and_gradient, also_called=also_called)
