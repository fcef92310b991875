"""What weights made elsewhere are read from: one file a format."""
