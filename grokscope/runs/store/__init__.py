"""Keeps packs on disk: journal, Parquet segments, checkpoints, and queries over all of them."""
