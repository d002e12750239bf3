"""The ways of logging in that the hostile agent offers, for those of its ways that want a login."""

_BY_KEY = [
    {"id": "browser", "name": "Log in with a browser"},
    {"type": "terminal", "id": "terminal-api-key", "name": "Log in with a terminal"},
    {"type": "env_var", "id": "nothing", "name": "Use nothing", "vars": []},
    {"type": "env_var", "id": "other", "name": "Use OTHER_KEY", "vars": [{"name": "OTHER_KEY"}]},
    {
        "type": "env_var",
        "id": "mine",
        "name": "Use ODD_API_KEY",
        "vars": [{"name": "ODD_API_KEY"}, {"name": "ODD_HOST", "optional": True}],
    },
]

KEYS = {
    "logs_in_by_key": _BY_KEY,
    "refuses_its_key": _BY_KEY,
    "logs_in_by_id": [{"id": "oauth", "name": "Log in"}, {"id": "odd-api-key", "name": "Use a key"}],
}
