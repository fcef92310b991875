"""EGD: gradient descent whose matrices have gradients of equal singular values; never switched off."""

from grokscope.studies.race.base import Method, Published, Shapes
from grokscope.studies.race.shapes import matrices


def _flops(shapes: Shapes) -> float:
    """A singular value decomposition, 20 m^2 n, of every matrix, m its shorter side."""
    return sum(20.0 * m * m * n for m, n in matrices(shapes))


egalitarian = Method(
    id="egalitarian",
    title="EGD",
    source="arXiv:2510.04930, released code 046e066",
    changes={"optimizer": "sgd"},
    rates=3.0,  # published: 0.7, and a decay of 1e-4 inside the gradient
    decays=0.03,
    knobs={"egalitarian": (("W_E",), ("W_E", "W_in", "W_out"))},
    published=Published(
        times=46.0,
        setting={
            "en": "addition mod 97, half of the pairs, two-hot MLP with 512 neurons, SGD 0.7, one seed",
            "zh": "模 97 加法，一半样本，512 个神经元的 two-hot MLP，SGD 0.7，一个种子",
        },
        baseline={"en": "SGD without momentum", "zh": "无动量的 SGD"},
        tuned={"en": "no", "zh": "否"},
    ),
    oracle={
        "en": "as published it stops once TEST accuracy is above 0.95; here it never stops",
        "zh": "原文在测试准确率超过 0.95 时停止该方法；这里从不停止",
    },
    flops=_flops,
)
