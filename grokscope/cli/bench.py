"""`grokscope bench`: how fast this machine trains and measures."""

from typing import Annotated, Any

import tyro

from grokscope.cli._options import Integer, Json
from grokscope.cli.base import emit

# Fields of the rows of `bench kernel` beside seconds.
OF_KERNELS = ("cpu_seconds", "peak_mib", "jacobian_seconds", "ratio_to_jacobians", "ratio_to_one_piece")


def bench(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")] = "train_step",
    *,
    rounds: Integer = None,
    seconds: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None,
    json: Json = False,
) -> None:
    """Measure speed: one run, packs of small networks, instruments of manifold, circuits and kernel, a large store.

    train_step: one run against plain PyTorch and the arithmetic ceiling. pack: many small networks as a pack, against
    one after another. manifold: dimension, Betti numbers and measures against their bars; it trains a network first,
    for a minute or two. circuits: the measures of one checkpoint at p = 113. kernel: seconds and memory of a tangent
    kernel, and its ratio to Jacobians. store: reading 1,000 runs of 10^6 numbers. scale: a study of 10,000 packs,
    planned, handed out and queried, without training. integrity: the cost of checksums in a query and in a run. Rivals
    take turns in one process; numbers are medians over the rounds, with their spread.

    Error rates of the instruments on clouds and tables with known answers: betti_rates, circle_rates and
    dimension_coverage (the share of intervals that hold the truth, for the headline and for TwoNN).

    Args:
        name: train_step, pack, manifold, circuits, kernel, store, scale, integrity, betti_rates, circle_rates or
            dimension_coverage.
        rounds: counted turns of each, or draws [1]; by default 7 (train_step), 5 (pack), 3, 1 (scale); 20 draws, 200
            of circle_rates and 10 of dimension_coverage.
        seconds: length of a turn [s], at least one call; by default 2, 1 and 0.5; the others have none.
    """
    from grokscope.registry import component

    if (rounds is not None and rounds < 1) or (seconds is not None and not 0 < seconds < 1e9):
        raise ValueError(f"rounds must be at least 1 and seconds above 0, got {rounds} and {seconds}")
    turns = {name: value for name, value in (("rounds", rounds), ("seconds", seconds)) if value is not None}
    result = component("benchmarks", name)(**turns)
    if json:
        emit(result)
    elif name == "pack":
        _rows(result["rows"])
    elif "rates" in result:
        _rates(result["rates"])
    elif "rows" in result:
        _bars(result)
    else:
        _values(result)


def _values(result: dict[str, Any]) -> None:
    spread = result["spread"]
    for key, value in result.items():
        if key in spread:
            low, high = spread[key]
            print(f"{key:28} {value:.4g}  ({low:.4g} to {high:.4g})")
        elif key != "spread":
            print(f"{key:28} {value:.4g}" if isinstance(value, float) else f"{key:28} {value}")


def _rows(rows: list[dict[str, Any]]) -> None:
    print(f"{'p':>4} {'d_model':>8} {'replicas':>9} {'alone':>9} {'pack':>9}  steps/s, speed-up")
    for row in rows:
        low, high = row["spread"]["speedup"]
        print(
            f"{row['p']:4} {row['d_model']:8} {row['replicas']:9} {row['alone_steps_per_second']:9.1f} "
            f"{row['pack_steps_per_second']:9.1f}  {row['speedup']:.2f} ({low:.2f} to {high:.2f})"
        )


def _rates(rows: list[dict[str, Any]]) -> None:
    """A table of shares, a column a field; a dash stands for None."""
    names = list(rows[0])
    cells = [names] + [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _bars(result: dict[str, Any]) -> None:
    oracle, blas = result.get("scikit_dimension"), result.get("blas_threads", "as it comes")
    print(f"threads: torch {result['threads']}, BLAS {blas}; seconds a call, median (least to largest)")
    for row in result["rows"]:
        side = "within" if row["within_bar"] else "ABOVE"
        bar = f"  {side} the bar of {row['bar']} {'of it' if 'share' in row else 's'}" if row["bar"] is not None else ""
        print(f"{row['name']:44} {_seconds(row, 'share' if 'share' in row else 'seconds')}{bar}")
        for name in (name for name in OF_KERNELS if name in row):
            print(f"  {name.replace('_', ' '):42} {_seconds(row, name)}")
        if row.get("skdim_seconds") is not None:
            low, high = row["spread"]["ratio_to_skdim"]
            ratio = f"ours takes {row['ratio_to_skdim']:.2f} of it ({low:.2f} to {high:.2f})"
            print(f"  {f'scikit-dimension {oracle}':42} {_seconds(row, 'skdim_seconds')}  {ratio}")
        for name in row.get("parts", {}).get("spread", ()):
            print(f"  {name:42} {_seconds(row['parts'], name)}")
    if "scikit_dimension" in result and oracle is None:
        print("scikit-dimension 0.5 or later is not installed: nothing to compare the dimensions with")


def _seconds(row: dict[str, Any], name: str) -> str:
    low, high = row["spread"][name]
    return f"{row[name]:8.3f} ({low:.3f} to {high:.3f})"
