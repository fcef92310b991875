"""Laws of the delay between memorising and generalising."""
