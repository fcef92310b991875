"""The same training by others, side by side: plain PyTorch, torch.compile, TransformerLens, torch.func and JAX."""
