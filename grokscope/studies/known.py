"""Seeds that need not be trained, because a ledger has their readings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arm
from grokscope.predictions.base import Theory
from grokscope.predictions.ledger import Ledger, told
from grokscope.predictions.ledger_file import alone, read_ledger, require_name, write_ledger
from grokscope.predictions.merging import grown, whole
from grokscope.predictions.recorded import require_present
from grokscope.runs.config import RunConfig
from grokscope.statistics.looks import Looks


@dataclass(frozen=True)
class Known:
    """What a ledger has; nothing where there is none. theories: whose readings are wanted."""

    ledger: Ledger | None = None
    theories: Sequence[Theory] = ()

    @classmethod
    def read(cls, path: Path | None, looks: Looks, theories: Iterable[Theory]) -> "Known":
        """The ledger of a path, if there is one. StoreError where it has other looks, or other definitions of what some
        theories read: what is trained could not be added to it."""
        if path is not None:
            require_name(path)
        listed = list(theories)
        if path is None or not path.exists():
            return cls(theories=listed)
        ledger = read_ledger(path)
        try:
            if ledger.looks != looks:
                raise StoreError(f"it has another set of looks: {told(ledger.looks)}; the study has {told(looks)}")
            require_present(ledger, listed)
        except StoreError as error:
            raise StoreError(f"{path}: {error}") from error
        return cls(ledger, listed)

    @cached_property
    def _whole(self) -> dict[str, set[int]]:
        return {} if self.ledger is None else whole(self.ledger, self.theories)

    def having(self, new: Ledger) -> "Known":
        """This and what was trained since."""
        return Known(new if self.ledger is None else grown(self.ledger, new, self.theories), self.theories)

    def save(self, path: Path) -> None:
        """Writes the ledger, if there is one; with the seeds that others added meanwhile."""
        if self.ledger is None:
            return
        with alone(path):
            there = read_ledger(path) if path.exists() else None
            write_ledger(self.ledger if there is None else grown(there, self.ledger, self.theories), path)

    def lacking(self, arm: Arm[RunConfig], followers: Iterable[str] = ()) -> Arm[RunConfig]:
        """The part of an arm that must be trained. followers: families that go on from the arm's weights, which are
        needed as long as the ledger lacks their seeds."""
        if self.ledger is None:
            return arm
        of = self._whole
        known = [of.get(arm.name, set())]
        for family in followers:
            members = [of[name] for name, other in self.ledger.arms.items() if other.family == family]
            known.append(set.intersection(*members) if members else set())
        return replace(arm, runs=tuple(run for run in arm if run.seed not in set.intersection(*known)))
