"""Optimizers over the flat parameters of a pack, one file each."""
