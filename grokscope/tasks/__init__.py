"""Tasks: inputs, labels and the ground truth, one file per task family."""
