"""Explanations of grokking as data, and what runs say of them."""
