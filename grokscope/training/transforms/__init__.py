"""Changes of a pack's flat buffers before or after the optimizer's step, one file each."""
