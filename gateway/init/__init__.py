"""`carryon init`: from a few answers to a config file that works.

`answers` are values, `compose` turns them into texts, `write` puts these in their places, all or nothing.
Where the answers come from is the business of `interview` (a person) and `given` (a script).
"""
