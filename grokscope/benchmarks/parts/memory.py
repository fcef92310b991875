"""The largest resident memory of this process. Needs the standard library alone."""

import math
import sys


def peak_mib() -> float:
    """The largest so far [MiB]; macOS counts bytes, others kibibytes. NaN on a system that does not count."""
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
