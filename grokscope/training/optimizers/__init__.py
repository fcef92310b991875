"""Optimizers over the flat parameters of a pack, one file each; and ⊥Grad around any optimizer of torch."""

from grokscope.training.optimizers._orthogonal_gradient import OrthogonalGradient

__all__ = ["OrthogonalGradient"]
