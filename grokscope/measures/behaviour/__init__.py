"""What the network does: losses, accuracies, margins."""
