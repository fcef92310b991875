"""What stands on the page of a run: one file a section."""
