"""Which samples of a one-layer transformer are computed together, and who reads which row of its tables.

It follows from the sizes and inputs alone. Both kinds of work are cut in two halves: chunks of samples, and rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.models.parts.attention import Attention

# Elements of the activations of one chunk, or of the rows of one sum: 2 MB in float32. From 1 to 4 MB the speed
# does not change measurably.
CHUNK = 1 << 19


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some samples, as replicas and rows, and as a slice of all; the rows of tables and of scores that they read."""

    replicas: slice
    rows: slice
    samples: slice
    terms: Int[Tensor, " sample_term"]
    offsets: Int[Tensor, " sample"]
    scores: Int[Tensor, " key_sample"]

    @property
    def keys(self) -> slice:
        """The places of the samples' keys among those of all samples."""
        n_keys = len(self.scores) // len(self.offsets)
        return slice(n_keys * self.samples.start, n_keys * self.samples.stop)


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Who reads each of some rows: terms in the order of the rows, their samples, and the first of each row.

    blocks: of rows, one for each replica and head; None for the rest.
    """

    blocks: slice | None
    terms: Int[Tensor, " term"]
    samples: Int[Tensor, " term"]
    offsets: Int[Tensor, " row"]


class Plan:
    """chunks: in halves. readers: of the tables' rows, in halves. score_readers: of the scores, with keys as terms."""

    def __init__(self, attention: Attention, inputs: Int[Tensor, "replica pair operand"], d_mlp: int) -> None:
        self.n_replicas, self.n_pairs = inputs.shape[:2]
        p, n_heads, equals = attention.n_symbols, attention.settings.n_heads, attention.settings.equals_token
        n_blocks = self.n_replicas * n_heads
        self._block = 2 * p
        self._n_rows = (n_blocks * 2 * p, n_blocks * 2 * p + self.n_replicas * (1 if equals else p))
        a, b = inputs.unbind(-1)
        replicas = torch.arange(self.n_replicas)[:, None]
        heads = (replicas[..., None] * n_heads + torch.arange(n_heads)) * 2 * p
        rest = self._n_rows[0] + (replicas.expand(b.shape) if equals else replicas * p + b)
        self._terms = torch.cat([a[..., None] + heads, p + b[..., None] + heads, rest[..., None]], dim=-1)
        n_scores = 2 * p + 1 if equals else p * p + p
        self._scores = torch.stack(attention.score_rows(inputs)) + replicas * n_scores
        chunks = list(self._chunks(d_mlp))
        self.chunks = _halves(chunks)
        self.readers = [[self._readers(blocks) for blocks in half] for half in _halves(self._groups(n_blocks, d_mlp))]
        self.readers[-1].append(self._readers(None))
        self.score_readers = _readers(torch.cat([chunk.scores for chunk in chunks]), 0, self.n_replicas * n_scores, 1)

    def _chunks(self, d_mlp: int) -> Iterator[Chunk]:
        """Rows of one replica, or several whole replicas, about CHUNK activations at a time; if possible an even number
        of equal size."""
        n_parts = max(1, -(-self.n_pairs * d_mlp // CHUNK))
        if self.n_replicas == 1:
            n_parts += n_parts % 2
        n_rows = -(-self.n_pairs // n_parts)
        n_together = max(1, CHUNK // (self.n_pairs * d_mlp)) if n_parts == 1 else 1
        n_together = min(n_together, -(-self.n_replicas // 2))
        n_terms = self._terms.shape[-1]
        for start in range(0, self.n_replicas, n_together):
            replicas = slice(start, min(start + n_together, self.n_replicas))
            for row in range(0, self.n_pairs, n_rows):
                rows = slice(row, min(row + n_rows, self.n_pairs))
                terms = self._terms[replicas, rows].flatten()
                first = start * self.n_pairs + row
                yield Chunk(
                    replicas=replicas,
                    rows=rows,
                    samples=slice(first, first + len(terms) // n_terms),
                    terms=terms,
                    offsets=torch.arange(0, len(terms), n_terms),
                    scores=self._scores[:, replicas, rows].flatten(),
                )

    def _groups(self, n_blocks: int, d_mlp: int) -> list[slice]:
        """An even number of groups of blocks, if possible, whose rows have at most about CHUNK numbers."""
        n_groups = -(-n_blocks * self._block * d_mlp // (2 * CHUNK)) * 2
        n_together = -(-n_blocks // n_groups)
        return [slice(start, min(start + n_together, n_blocks)) for start in range(0, n_blocks, n_together)]

    def _readers(self, blocks: slice | None) -> Readers:
        start, stop = self._n_rows if blocks is None else (self._block * blocks.start, self._block * blocks.stop)
        return _readers(self._terms.flatten(), start, stop, self._terms.shape[-1], blocks)


def _readers(rows: Int[Tensor, " term"], start: int, stop: int, n_terms: int, blocks: slice | None = None) -> Readers:
    """The readers of rows from start to before stop; n_terms: of a sample."""
    terms = ((rows >= start) & (rows < stop)).nonzero().flatten()
    own = rows[terms] - start
    terms, counts = terms[own.argsort(stable=True)], torch.bincount(own, minlength=stop - start)
    return Readers(blocks=blocks, terms=terms, samples=terms // n_terms, offsets=counts.cumsum(0) - counts)


def _halves(parts: list[Any]) -> list[list[Any]]:
    middle = -(-len(parts) // 2)
    return [parts[:middle], parts[middle:]]
