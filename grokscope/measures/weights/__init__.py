"""How large its weights are, and how far they moved."""
