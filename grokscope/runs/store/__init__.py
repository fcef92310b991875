"""What keeps a pack on disk: journal, Parquet segments, checkpoints, and queries over all of them."""
