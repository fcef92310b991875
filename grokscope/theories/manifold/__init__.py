"""Manifold discovery: its predictions by subject; `manifold.py` puts them together."""
