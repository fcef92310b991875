"""Where a watch sends its numbers as they come: one file a service."""
