"""A real gateway, a real agent and a platform on this machine, for tests that kill things.

`stage` puts them together; `gateway` is the process, `chat` what people see, `ledger` and `memory` what the
gateway and the agent wrote down.
"""
