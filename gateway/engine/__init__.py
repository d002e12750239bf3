"""Does what the rules decide."""
