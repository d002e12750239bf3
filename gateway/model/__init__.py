"""Plain values and state tables. No input or output, no clock, no library."""
