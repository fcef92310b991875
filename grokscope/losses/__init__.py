"""Losses, one file each; training and measures both use them."""

from grokscope.losses.cross_entropy import cross_entropy

__all__ = ["cross_entropy"]
