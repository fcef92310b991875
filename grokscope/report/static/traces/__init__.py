"""What draws a trace: one file a type of trace."""
