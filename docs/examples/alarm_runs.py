"""The runs of docs/results/alarms.md, some four core-hours:  python docs/examples/alarm_runs.py alarms [ARM ...]

They have the configs and seeds of arms of the evidence ledger: transformers on modular addition, small and wide, MLPs
on sparse parity, and controls that never generalise. Started again, it does what is missing.
"""

import sys
from collections import defaultdict

import grokscope as gs
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.predictions.ledger_file import read_ledger

LEDGER = "docs/evidence/confirmatory.parquet"
SEEDS = range(1000, 1010)
ARMS = (
    *("init_scale=1", "init_scale=2", "weight_decay_start=500", "weight_decay=3,weight_decay_start=500"),
    *("plane/0.003,weight_decay=0.3", "plane/0.001,weight_decay=0", "plane/0.003,weight_decay=0"),
    *("shares/train_fraction=0.35", "shares/train_fraction=0.45"),
    *("efficiency/memorising/n_train=150", "efficiency/memorising/n_train=250"),
    *("stablemax/cross_entropy", "stablemax/stablemax"),
)
WIDE = ("base", "random_labels")  # p = 59 and 213,000 weights, of three seeds: some ten minutes each
# Beside what every training takes. Left out, for minutes a run: the learning coefficient, the tangent kernel, the
# signal to noise of gradients, the description length, the dropout curve, Hankel's residual.
MEASURES = (
    *("certified_circles", "dimension", "equivariance", "linear_dimension", "swap_distance"),
    *("commutator_defect", "correlation_traps", "dropout_variance", "gradient_cosine", "gradient_entropy"),
    *("gradient_norm", "local_complexity", "loop_persistence", "o_information", "path_ratio", "power_law_exponent"),
    *("spectral_entropy", "pattern_distance", "excluded_loss", "restricted_loss", "effective_rank"),
)


def main(store: str, *names: str) -> None:
    """store: the folder of the runs. names: arms, such as for one of several processes; by default all."""
    arms = read_ledger(LEDGER).arms
    chosen = [id_ for id_ in gs.measures() if id_.partition(".")[2] in MEASURES]
    for name in names or ARMS + WIDE:
        packs = defaultdict(list)
        for run in arms[name].runs:
            if run.seed in (SEEDS[:3] if name in WIDE else SEEDS):
                packs[run.id.partition("-")[0]].append(run.config)
        for run in (run for pack in packs.values() for run in gs.train(pack, store=store, device="cpu", resume=True)):
            measure_checkpoints(run, only=chosen)
            print(name, run.id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 1 else sys.exit(__doc__)
