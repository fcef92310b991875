"""Statistics of curves and of many runs."""
