"""Which algorithm the network runs: the Fourier circuits of modular arithmetic."""
