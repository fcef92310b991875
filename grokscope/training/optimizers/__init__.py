"""Optimizers of a pack's flat parameters, one file each, and ⊥Grad around any optimizer of torch."""

from grokscope.training.optimizers._orthogonal_gradient import OrthogonalGradient

__all__ = ["OrthogonalGradient"]
