"""`carryon agents`: what agents are configured, and whether they really do what the gateway needs of them.

No gateway need run, and one that does is not touched: nothing here opens the state directory.
"""
