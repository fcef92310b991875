"""Experiments: training and measuring together."""
