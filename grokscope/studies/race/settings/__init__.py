"""Settings in which methods race, one file each."""
