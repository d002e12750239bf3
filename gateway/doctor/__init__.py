"""`carryon doctor`: is everything around the gateway as it has to be, and if not, what is to be done?

It works beside a running gateway as well as without one, and disturbs neither. A check is a function from a
`Context` to findings; the table of them is in `checks`. What can be put right says so in its finding, and
only `run` does it.
"""
