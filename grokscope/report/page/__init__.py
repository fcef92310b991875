"""A page: its frame, its theme and its templates."""
