"""The same training by others: plain PyTorch, torch.compile, TransformerLens, torch.func and JAX, side by side."""
