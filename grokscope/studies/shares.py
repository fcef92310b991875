"""One plan, several processes: each trains a share of the packs, on one machine or on many that see one store.

A share follows from the whole plan, whatever is done of it, so it is the same for a process that starts late or again.
Nothing is locked while a share is trained but the pack in training.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from grokscope.registry import shortened
from grokscope.runs.store.lock import hold
from grokscope.studies.executors.base import patiently
from grokscope.studies.packing import work_of
from grokscope.studies.plan import Plan, Planned
from grokscope.studies.study import Study

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """The share `number`, from 1 on, of so many."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Share":
        """From K/N. ValueError for anything else."""
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"--share takes K/N with K from 1 to N, such as 1/4 and 4/4; got {shortened(text)}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def part(self, plan: Plan) -> Plan:
        """The plan with the packs of this share alone. They are dealt out in turn, the longest first: shares take about
        equally long."""
        longest_first = sorted((*plan.borrowed, *plan.packs), key=lambda pack: (-_work(pack), pack.id))
        own = {pack.id for pack in longest_first[self.number - 1 :: self.of]}
        packs, borrowed = (tuple(pack for pack in all_ if pack.id in own) for all_ in (plan.packs, plan.borrowed))
        return replace(plan, packs=packs, borrowed=borrowed)


def alone(study: Study, act: Callable[[], T]) -> T:
    """Acts as the one writer of a study's folder, once no other process is."""

    def held() -> T:
        with hold(study.folder, store=study.store):
            return act()

    return patiently(held)


def _work(pack: Planned) -> float:
    return pack.soonest * sum(map(work_of, pack.configs))
