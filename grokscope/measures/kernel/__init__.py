"""The tangent kernel: a lazy network keeps it, a rich one aligns it with the labels."""
