"""A page of six panels for a paper, from one run:  python docs/examples/paper_page.py runs/ID page.pdf

Any other choice of panels is another list of names (grokscope list figures); .svg and .png are other endings.
"""

import sys

import grokscope as gs
from grokscope.report.static.write import write

PANELS = ("grokking_curve", "weight_norm", "progress_losses", "gini", "planes", "logits")
HEIGHT = 2.8  # inches of a panel: three rows then fill a page


def main(run: str, file: str) -> None:
    """run: its folder in the store. file: what is written."""
    found = {name: gs.load(run).figure(name) for name in PANELS}
    for name, figure in found.items():
        if isinstance(figure, gs.Missing):
            print(f"{name}: {figure.reason}", file=sys.stderr)
    figures = [figure for figure in found.values() if not isinstance(figure, gs.Missing)]
    print(write(figures, file, height=HEIGHT))


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
