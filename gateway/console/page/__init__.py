"""The operator page: what is wrong with the gateway, and what to press."""
