"""The norm of the weights that a circuit needs for its logits."""
