"""A model on this machine that real agents talk to instead of a provider's.

`mind` decides what it answers, the modules named after a provider's interface read requests and write
answers, `book` keeps every request, `server` serves them.
"""
