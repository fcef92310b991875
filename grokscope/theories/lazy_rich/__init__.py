"""Lazy to rich."""
