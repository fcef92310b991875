"""How large the weights are, and how far they have moved."""
