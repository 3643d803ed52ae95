"""What decides whether work is right."""
