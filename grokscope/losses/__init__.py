"""Losses, one file each, for training and for measures."""

from grokscope.losses.cross_entropy import cross_entropy
from grokscope.losses.mse import mse
from grokscope.losses.stablemax_cross_entropy import stablemax_cross_entropy

__all__ = ["cross_entropy", "mse", "stablemax_cross_entropy"]
