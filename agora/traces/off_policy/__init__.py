"""What another policy would have come to, from decisions logged with their chances."""
