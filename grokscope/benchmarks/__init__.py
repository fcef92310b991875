"""What is measured against what, side by side in one run: one file a benchmark, a function that gives JSON."""
