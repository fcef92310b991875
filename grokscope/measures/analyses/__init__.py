"""What several measures share: the views of a cloud, circles, harmonics, gradients, kernels, curvature."""
