"""What a circuit's logits cost in weights."""
