"""What a prediction, an arm, a reading and a verdict are."""
