"""Which algorithm it runs: the Fourier circuits of modular arithmetic."""
