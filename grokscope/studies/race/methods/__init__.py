"""Methods that race, one file each."""
