"""`grokscope bench`: how fast this machine trains, as ratios."""

from typing import Annotated, Any

import tyro

from grokscope.cli.base import Json, emit


def bench(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")] = "train_step",
    *,
    rounds: int = 7,
    seconds: float = 2.0,
    json: Json = False,
) -> None:
    """Measure speed: train_step (one run against plain PyTorch and the arithmetic ceiling), pack (many small networks).

    What is compared takes turns in one process; numbers are medians over the rounds, with the least and the largest.

    Args:
        name: train_step or pack.
        rounds: turns of each that are counted [1].
        seconds: length of a turn [s].
    """
    from grokscope.registry import component

    if rounds < 1 or seconds <= 0:
        raise ValueError(f"rounds must be at least 1 and seconds above 0, got {rounds} and {seconds}")
    found = component("benchmarks", name)(rounds=rounds, seconds=seconds)
    if json:
        emit(found)
    elif "rows" in found:
        _rows(found["rows"])
    else:
        _values(found)


def _values(found: dict[str, Any]) -> None:
    spread = found["spread"]
    for key, value in found.items():
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
