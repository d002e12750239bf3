"""What people are told of a config: its problems and warnings, what counts in the end, its schema."""
