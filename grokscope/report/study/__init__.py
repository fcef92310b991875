"""The pages of studies and sweeps."""
