"""Quantities that are said to announce grokking, or to follow it."""
