"""The Goldilocks zone."""
