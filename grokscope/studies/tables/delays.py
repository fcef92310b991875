"""The delay of test loss behind training loss over the output scale and the number of samples: Kumar et al. 2024."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Answers, Given
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import text
from grokscope.predictions.subject import Subject
from grokscope.statistics.contrasts import share
from grokscope.statistics.survival import Median, kaplan_meier
from grokscope.studies.tables.base import Along, Row, Table, along, matrix, present

FAMILIES = ("kumar/alpha", "kumar/samples", "kumar/output_scale")
# A loss is low once it is below this share of its value at step 0: the source's 0.1 beside its first loss of 0.51.
LOW = 0.2


def _low(split: str) -> Series:
    """First evaluation with a loss below LOW of its first one [steps]."""

    def of(subject: Subject) -> Number:
        rows = subject.rows(f"behaviour.{split}_loss")
        low = rows.values < LOW * rows.values[:1]
        return float(rows.steps[low.argmax()]) if low.any() else Missing(f"{split} loss did not get low")

    return Series(f"step of low {split} loss", of, (f"behaviour.{split}_loss",))


TRAIN, TEST = _low("train"), _low("test")
LAST = Series("last step", lambda subject: float(subject.phases.last_at or 0), ("behaviour.test_loss",))


def delay(t_train: np.ndarray, t_test: np.ndarray, last: np.ndarray) -> Median | Missing:
    """The median of t_test - t_train over seeds whose training loss got low, censored where the test loss never did."""
    fitted = np.isfinite(t_train)
    if not fitted.any():
        return Missing("no training loss got low")
    reached = np.isfinite(t_test)
    until = np.where(reached, t_test, last)
    # A test loss that is low first has no delay.
    return kaplan_meier(np.maximum(until - t_train, 0)[fitted], reached[fitted]).median


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, members in present(arms, FAMILIES).items():
        times = [matrix(members, reading, np.inf)[0] for reading in (TRAIN, TEST, LAST)]
        for value, train, test, last in zip(members, *times, strict=True):
            median, low = delay(train, test, last), np.isfinite(test)
            if not isinstance(median, Missing):
                median = "never by the end" if median.value is None else median.value
            row = {"family": family, "value": value, "delay [steps]": median}
            rows.append(row | {"generalise": share(int(low.sum()), len(low))})
    return rows


def _drawn(arms: Given) -> dict[str, Along]:
    """A figure a family: the delays of the seeds whose losses both got low."""

    def of(run: Answers) -> Number:
        return of_all(lambda train, test: max(test - train, 0.0), run[TRAIN], run[TEST])

    quantity = text("delay of the test loss [steps]", "测试损失的延迟 [步]")
    return {
        family: along(members, of, axis=family, quantity=quantity)
        for family, members in present(arms, FAMILIES).items()
    }


delays = Table(
    id="delays",
    title=text("Delay over the output scale and the samples", "延迟随输出尺度与样本数的变化"),
    needs=FAMILIES,
    readings=(TRAIN, TEST, LAST),
    make=_rows,
    figure="along",
    drawn=_drawn,
)
