"""What is learned: inputs, labels and the ground truth, one file a task family."""
