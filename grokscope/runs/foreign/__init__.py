"""Weights made elsewhere become a run in the store, of one checkpoint or of many."""
