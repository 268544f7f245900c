"""What contradicts or repeats what."""
