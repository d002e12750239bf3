"""Chat platforms: one folder each, found through `adapters.registry`."""
