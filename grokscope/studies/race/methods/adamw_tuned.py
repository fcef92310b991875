"""AdamW with tuned rate and decay: what every method is compared with."""

from grokscope.studies.race.base import Method

adamw_tuned = Method(
    id="adamw_tuned",
    title="AdamW, tuned",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101",
)
