"""What all benchmarks share: the figures of an answer, the circumstances, and the comparison with a saved file."""
