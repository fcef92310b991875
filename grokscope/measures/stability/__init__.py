"""Where the arithmetic of training ends: collapse of the softmax, gradients along the weights, steps that are lost."""
