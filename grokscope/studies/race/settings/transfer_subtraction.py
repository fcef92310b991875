"""The common setting with subtraction: what was tuned on addition is used as it is.

The rows of both operands are put side by side: their sum cannot tell x - y from y - x.
"""

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Setting
from grokscope.studies.race.settings.common import common


def _config() -> RunConfig:
    return common.config().replace(task="binary_operation", operation="x-y", p=29, combine="concat")


transfer_subtraction = Setting(
    id="transfer_subtraction",
    title={
        "en": "subtraction mod 29, embeddings side by side, else as the common setting; tuned on addition",
        "zh": "模 29 减法，两个嵌入并排拼接，其余同共同设定；在加法上调优",
    },
    config=_config,
    tuned_in="common",
)
