"""The common setting with multiplication: what was tuned on addition is used as it is."""

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Setting
from grokscope.studies.race.settings.common import common


def _config() -> RunConfig:
    return common.config().replace(task="binary_operation", operation="x*y", p=29)


transfer_multiplication = Setting(
    id="transfer_multiplication",
    title={
        "en": "multiplication mod 29, as the common setting; tuned on addition",
        "zh": "模 29 乘法，其余同共同设定；在加法上调优",
    },
    config=_config,
    tuned_in="common",
)
