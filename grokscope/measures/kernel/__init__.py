"""The tangent kernel: what a lazy network keeps and a rich one turns to its labels."""
