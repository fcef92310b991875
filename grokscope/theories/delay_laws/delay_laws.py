"""Laws of the delay: what sets the time between memorising and generalising, where it is said to have a formula."""

from grokscope.predictions.base import Theory
from grokscope.predictions.rows import text
from grokscope.theories.delay_laws.arms import ARMS
from grokscope.theories.delay_laws.clamps import CLAMPS
from grokscope.theories.delay_laws.norms import NORMS

# Regions follow from the published numbers: a factor 1.25 (1.2 for powers and alpha) about them supports, a factor 2
# refutes. Rows of one number that is named in advance have no control: they are held against that number itself.
delay_laws = Theory(
    id="delay_laws",
    title=text("Laws of the delay", "延迟的规律"),
    source="arXiv:2603.13331; arXiv:2605.18845; arXiv:2606.13753; arXiv:2606.18465; Liu, Michaud & Tegmark 2023, "
    "arXiv:2210.01117, for the law of the initial norm",
    arms=ARMS,
    predictions=(*NORMS, *CLAMPS),
)
