"""The config file read again while the gateway runs."""
