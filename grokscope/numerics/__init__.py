"""Array mathematics that knows nothing of runs."""
