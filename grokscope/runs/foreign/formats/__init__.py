"""What weights are read from: one file a format."""
