"""What happens to the flat buffers of a pack beside the optimizer's step, one file each."""
