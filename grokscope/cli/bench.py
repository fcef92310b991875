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
    """Measure speed, and how often instruments are right on clouds and tables whose answer is known.

    What is compared takes turns in one process; numbers are medians over the rounds, with their spread.

    Args:
        name: a benchmark (grokscope list benchmarks).
        rounds: turns of each that are counted, or draws [1]; each benchmark has a number of its own.
        seconds: length of a turn [s], at least one call; each benchmark has a length of its own, or none.
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
