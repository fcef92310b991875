"""What curves are read from: one file a format of tables."""
