"""Circuits: the network adds by rotations on a few circles, and forms that circuit before the test loss shows it.

No regions are in the pre-registration; fixed from the claims and the published numbers: shares as everywhere, "few" is
ten at most and half of all; logits explained .9 (published .95), neurons .8 (published .85); refuted below .5.
"""

from grokscope.predictions.base import Theory
from grokscope.predictions.rows import text
from grokscope.predictions.shared import BASES
from grokscope.theories.circuits.fourier import FOURIER, KIND, TRAINED_ON
from grokscope.theories.circuits.phases import PHASES

circuits = Theory(
    id="circuits",
    title=text("Circuits", "电路逆向工程"),
    source="Nanda et al. 2023, arXiv:2301.05217; Zhong et al. 2023, arXiv:2306.17844",
    arms=(*BASES, TRAINED_ON),
    predictions=(*FOURIER, *PHASES, *KIND),
)
