"""Config files with the mistakes that people make, each with the place where it is to be found.

A mistake is a change of `GOOD`; the sign `§`, which is taken out, stands where its problem has to be.
`planted` is part of every secret, and of nothing else.
"""

from dataclasses import dataclass, field

GOOD = """\
state_dir: ./state
accounts:
  telegram:
    platform: telegram
    token: 123456:planted-telegram
  discord: {platform: discord, token: MTAwMQ.planted.discord}
  slack:
    platform: slack
    bot_token: xoxb-planted-bot
    app_token: xapp-planted-app
agents:
  demo:
    command: [carryon-demo-agent, --port, 8080]
    env:
      API_KEY: planted-env
default_agent: demo
access:
  allow: ["telegram:12345", slack:U1]
  groups:
    respond: mention
http:
  token: planted-http-token
store: {url: "postgresql://u:planted-password@h/d"}
log:
  level: info
"""
SIGN = "§"
OUTSIDE = {"TOKEN": "123456:planted-outside", "HOME": "/home/me"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A broken file, the parts that its message must have, and what is in the environment."""

    text: str
    parts: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> str:
        return self.text.replace(SIGN, "")

    @property
    def place(self) -> tuple[int, int]:
        before = self.text.partition(SIGN)[0].replace("\r\n", "\n").removeprefix("\ufeff")
        return before.count("\n") + 1, len(before) - before.rfind("\n")


def swap(old: str, new: str, *parts: str, **environ: str) -> Mistake:
    assert GOOD.count(old) == 1, f"{old} stands {GOOD.count(old)} times in the good file"
    return whole(GOOD.replace(old, new), *parts, **environ)


def add(new: str, *parts: str) -> Mistake:
    return whole(GOOD + new, *parts)


def whole(text: str, *parts: str, **environ: str) -> Mistake:
    assert text.count(SIGN) == 1, f"one {SIGN} is needed: {text[-60:]!r}"
    return Mistake(text, parts, environ)


TOKEN = "token: 123456:planted-telegram"
COMMAND = "command: [carryon-demo-agent, --port, 8080]"
ENV = "    env:\n      API_KEY: planted-env\n"
ALLOW = 'allow: ["telegram:12345", slack:U1]'
DISCORD = "{platform: discord, token: MTAwMQ.planted.discord}"
DATABASE = '"postgresql://u:planted-password@h/d"'
LEVEL = "level: info"
DEFAULT = "default_agent: demo"
TELEGRAM = f"  telegram:\n    platform: telegram\n    {TOKEN}\n"
ADDRESS = "an address such as http://127.0.0.1:8081"
PERSON = '"account:user" such as "telegram:12345"'
SPAN = "a duration such as 500ms, 30s, 10m, 1h or 2d"

SYNTAX = {
    "a tab before a key": swap("    platform: telegram\n", "§\tplatform: telegram\n", "spaces, not tabs"),
    "a tab within the indentation": swap("    respond:", "  §\trespond:", "spaces, not tabs"),
    "a tab behind a colon": swap("  level: info", "  level:§\tinfo", "space instead of the tab"),
    "a space too few": swap("    token: 123456", "   §token: 123456", "indent this line exactly"),
    "a space too many": swap("    token: 123456", "     token§: 123456", "has a value already: indent"),
    "a section half in": swap("  slack:\n", " §slack:\n", "indent this line exactly"),
    "the outermost level indented": whole("§ state_dir: x\naccounts: {}\n", "without any space before it"),
    "a colon in a text": swap("./state", "note§: ./state", "needs quotes"),
    "two keys in a line": swap(LEVEL, "level: info format§: json", "needs quotes"),
    "no space behind a colon": swap(DEFAULT, "§default_agent:demo", "space is missing"),
    "no space behind the first colon": swap("state_dir: ./state", "§state_dir:./state", "space is missing"),
    "a special space": swap("state_dir: ./", "§state_dir:\u00a0./", "special one"),
    "a line that is no key": swap("access:\n", "§just some words\naccess:\n", "write key: value"),
    "an equals sign": swap(DEFAULT, "§default_agent = demo", "colon instead of ="),
    "an at sign": swap(LEVEL, "level: §@info", "'@'", "needs quotes"),
    "a backtick": swap(LEVEL, "level: §`info`", "needs quotes"),
    "a percent sign": swap(LEVEL, "level: §%LEVEL%", "needs quotes"),
    "a star": swap("slack:U1]", "§*]", "begins with * needs quotes"),
    "a star in lines": swap(ALLOW, "allow:\n    - §*\n", "begins with * needs quotes"),
    "an alias of nothing": swap(LEVEL, "level: §*planted", "undefined alias"),
    "an ampersand": swap(LEVEL, "level: §& info", "begins with & needs quotes"),
    "a tag": swap(TOKEN, "token: §!secret planted", "a tag"),
    "a tag of a language": swap(LEVEL, "level: §!!python/object/apply:os.system [planted]", "a tag"),
    "a bracket left open": swap(ALLOW, 'allow: §["telegram:12345", slack:U1', "close the bracket"),
    "a brace left open": swap(DISCORD, f"§{DISCORD[:-1]}", "close the bracket"),
    "a bracket too many": swap("slack:U1]", "slack:U1]§]", "never opened"),
    "a brace alone": add("§}\n", "never opened"),
    "quotes left open": swap(LEVEL, 'level: §"info', "close the quotes"),
    "single quotes left open": swap(LEVEL, "level: §'info", "close the quotes"),
    "quotes within quotes": swap(DEFAULT, "default_agent: 'it'§s'", "quote the whole"),
    "text behind quotes": swap(DEFAULT, 'default_agent: "demo" §planted', "quote the whole"),
    "a path of Windows": swap("./state", r'"C:\U§sers\me"', r"inside double quotes \ has a meaning"),
    "a reference in braces": swap(DISCORD, "{platform: discord, token: $§{TOKEN}}", "needs quotes"),
    "a reference in brackets": swap(ALLOW, "allow: [$§{TOKEN}]", "needs quotes"),
    "a template": swap(TOKEN, "token: {§{ planted }}", "a key that is not a text", "needs quotes"),
    "a merge conflict": swap(DEFAULT, f"§<<<<<<< HEAD\n{DEFAULT}", "a merge conflict"),
    "the middle of a merge conflict": swap(DEFAULT, f"{DEFAULT}\n§=======\n{DEFAULT}x", "a merge conflict"),
    "a list entry among keys": swap(DEFAULT, "§- demo", "indent it below the key"),
    "a key among list entries": swap(ALLOW, "allow:\n    - slack:U1\n    §x: y", "indent it as the key"),
    "a list in the line of its key": swap(ALLOW, "allow: §- slack:U1", "on a line of its own"),
    "entries without a comma": swap(ALLOW, 'allow: ["telegram:1" §"slack:U1"]', "a comma between"),
    "two documents": add("§---\nlog: {}\n", "another document", "one document is allowed"),
    "the file of another program": whole("[carryon]\n§state_dir = x\n", "[section] is not YAML"),
    "a bar with a text": swap(LEVEL, "level: |§info", "begins on the next line"),
    "a key twice": add("§state_dir: ./other\n", "state_dir: the key stands twice", ":1:1", "remove one"),
    "a section twice": add("§log:\n  format: json\n", "log: the key stands twice", "remove one"),
    "an account twice": swap("agents:\n", "  §slack: {platform: slack}\nagents:\n", "slack: the key stands"),
    "a key in a list twice": swap(DISCORD, "{platform: discord, §platform: discord}", "platform: the key"),
    "a merge of a text": swap(LEVEL, "§<<: planted", "<<: a mapping"),
    "a key that is a list": add("? §[a]\n: b\n", "a key that is not a text"),
    "a control character": swap("./state", "./st§\x07ate", "a control character"),
    "nothing at all": whole("§", "the file is empty", "are required"),
    "only comments": whole("§# accounts:\n#   telegram:\n", "the file is empty", "are required"),
    "only a text": whole("§planted", "the file holds no keys"),
    "a list of all": whole("§- state_dir: x\n", "the file holds no keys"),
    "lines of an environment": whole("§TELEGRAM_BOT_TOKEN=planted\n", "the file holds no keys"),
    "a shell script": whole("§export TOKEN=planted\nexport X=1\n", "the file holds no keys"),
    "a bomb": whole("§" + "[" * 40 + "]" * 40, "levels", "a config is smaller"),
    "an anchor in itself": whole("§a: &a [*a]", "levels"),
    "lines of Windows": whole(GOOD.replace(LEVEL, "level: §loud").replace("\n", "\r\n"), 'found "loud"'),
    "a mark at the begin": whole("\ufeff" + GOOD.replace(LEVEL, "level: §loud"), 'found "loud"'),
}

KEYS = {
    "a section misspelt": swap("access:\n", "§acess:\n", "acess: unknown key", 'did you mean "access"?'),
    "a key misspelt": swap("respond: mention", "§repsond: mention", 'did you mean "respond"?'),
    "a key in capitals": swap(LEVEL, "§Level: info", 'did you mean "level"?'),
    "a key with a hyphen": swap(
        "default_agent: demo", "§default-agent: demo", 'did you mean "default_agent"?'
    ),
    "a token's key misspelt": swap(TOKEN, "§tokn: planted", "tokn: unknown key", 'did you mean "token"?'),
    "the other platform's key": swap(TOKEN, f"§bot_{TOKEN}", "unknown key", 'did you mean "token"?'),
    "a key nobody knows": add("§frobnicate: planted\n", "allowed here: state_dir, store", "remove it"),
    "a key of shutdown": add("§drain_timeout: 5s\n", "it belongs into shutdown"),
    "a key of access": swap(f"    {TOKEN}", f"    {TOKEN}\n    §allow: []", "it belongs into access"),
    "a key of the outermost level": swap(LEVEL, f"{LEVEL}\n  §default_agent: x", "the outermost level"),
    "a token outside": add("§token: planted\n", "it belongs into an account"),
    "a command outside": add("§command: [planted]\n", "it belongs into an agent"),
    "arguments": swap(ENV, f"{ENV}    §args: [--planted]\n", "arguments behind the program"),
    "a model": swap(ENV, f"{ENV}    §model: opus\n", "options: {model: …}"),
    "an API key": swap(ENV, f"{ENV}    §api_key: planted\n", "variables in its env"),
    "a list of users": swap(ALLOW, "§allowed_users: [1]", "access.allow"),
    "a port": swap("  token: planted-http-token", "  §port: 8787", "http.listen"),
    "a level outside": add("§log_level: debug\n", "log.level"),
    "a path of keys": add("§log.level: debug\n", "write log: and below it level: …"),
    "a key and its value in one": add("§log:level: debug\n", "a space is missing"),
    "a key in typographic quotes": add("§“media”: {}\n", 'did you mean "media"?'),
    "a secret as a key": swap(TOKEN, "§123456:planted-in-a-place-where-keys-belong: x", "unknown key"),
    "an anchor for later": add("§x-common: &common {level: info}\n", "x-common: unknown key"),
    "a name of an agent": swap("  demo:\n", "  §Demo Agent:\n", "a name of a-z", "rename it"),
    "a name of an account": swap("  telegram:\n", "  §my.telegram:\n", "a name of a-z", "rename it"),
    "a name that is too long": swap("  demo:\n", f"  §{'d' * 80}:\n", "at most 64", "rename it"),
    "a name of a variable": swap("API_KEY: ", '§"API KEY": ', "the name of an environment variable"),
    "a token missing": swap(
        TELEGRAM, "  §telegram:\n    platform: telegram\n", "token: missing", "BotFather", "add token: …"
    ),
    "no accounts": whole("§agents: {demo: {command: [x]}}\ndefault_agent: demo\n", "accounts: missing"),
    "no agents": whole(GOOD.replace("state", "§state", 1).partition("agents:")[0], "agents: missing"),
    "no command": swap(COMMAND, "§cwd: ./x", "command is needed", "claude"),
    "no platform": swap(
        f"discord: {DISCORD}", "§discord: {token: planted}", "platform", "telegram, discord, slack"
    ),
}

FIRST = f"accounts:\n{TELEGRAM}"
LAST = f"agents: {{demo: {{command: [x]}}}}\n{DEFAULT}\n"

SHAPES = {
    "accounts as a list": whole(
        f"accounts:\n  §- platform: telegram\n    {TOKEN}\n{LAST}",
        "accounts: found a list",
        "write NAME: before each entry instead of -",
    ),
    "an account without a name": whole(
        f"accounts:\n  platform: §telegram\n  {TOKEN}\n{LAST}",
        "platform is a key of an account: write a name",
    ),
    "a token without an account": whole(
        f"accounts:\n  token: §123456:planted\n{LAST}", "token is a key of an account", "not shown here"
    ),
    "an account that is its token": whole(
        f"accounts:\n  telegram: §123456:planted\n{LAST}", "not shown here"
    ),
    "an agent without a name": whole(
        f"{FIRST}agents:\n  preset: §claude\n{DEFAULT}\n", "preset is a key of an agent: write a name"
    ),
    "an agent that is its command": whole(f"{FIRST}agents:\n  demo: §claude\n{DEFAULT}\n", "a section is"),
    "agents as a list": whole(f"{FIRST}agents:\n  §- command: [x]\n{DEFAULT}\n", "found a list", "NAME:"),
    "variables as a list": swap(ENV, "    env:\n      §- API_KEY=planted\n", "env: found a list", "NAME:"),
    "variables as a text": swap(ENV, "    env: §API_KEY=planted\n", "not shown here", "a section with names"),
    "a list as a variable": swap(
        "API_KEY: planted-env", "API_KEY: §[planted-env]", "env.API_KEY: found a list"
    ),
    "a variable without a value": swap(
        "API_KEY: planted-env", "§API_KEY:", "env.API_KEY: no value", "a text"
    ),
    "a section without keys": swap("log:\n  level: info\n", "§log:\n", "log: no value", "or remove it"),
    "a section that is null": swap("log:\n  level: info\n", "log: §null\n", "log: no value", "format, level"),
    "a section that is a text": swap("log:\n  level: info\n", "log: §debug\n", "log: found", "format, level"),
    "accounts without any": whole(f"§accounts:\n{LAST}", "accounts: no value", "a section with names"),
    "accounts that are empty": whole(f"accounts: §{{}}\n{LAST}", "accounts: empty", "at least one"),
    "agents that are empty": whole(f"{FIRST}agents: §{{}}\n{DEFAULT}\n", "agents: empty", "at least one"),
    "a command as a text": swap(
        COMMAND, "command: §carryon-demo-agent --port 8080", "command: found", "a list"
    ),
    "a command that is empty": swap(COMMAND, "command: §[]", "empty", "at least one"),
    "a command without a program": swap(COMMAND, 'command: §["", x]', "begins with the name of a program"),
    "a list in a command": swap(COMMAND, "command: [x, §[--planted]]", "a text is allowed"),
    "people as a text": swap(ALLOW, "allow: §telegram:12345", 'found "telegram:12345"', "a list is allowed"),
    "people as keys": swap(ALLOW, "allow: §{telegram: 12345}", "found a section", "a list is allowed"),
    "a space behind a person's colon": swap(
        ALLOW, "allow:\n    - §telegram: 12345\n", "no space behind the colon"
    ),
    "people without any": swap(ALLOW, "§allow:", "allow: no value", "a list is allowed"),
    "reasons as a text": add("resume:\n  reasons: §drain_timeout\n", "a list is allowed"),
    "a scope as a text": add("sessions:\n  scope: §user\n", "a section is allowed, with direct, group"),
    "a token as a list": swap(TOKEN, "token: §[planted]", "token: found a list", "a text is allowed"),
    "a token as a section": swap(
        TOKEN, "token:\n      §file: planted", "found a section", "a text is allowed"
    ),
    "a token without a value": swap(TOKEN, "§token:", "token: no value", "a text is allowed"),
    "a path as a list": swap("state_dir: ./state", "state_dir: §[./state]", "found a list", "a path"),
    "an address as a section": swap(
        TOKEN, f"{TOKEN}\n    api_url: §{{host: x}}", "found a section", "a text"
    ),
}

VALUES = {
    "an unknown platform": swap(DISCORD, "{platform: §disocrd}", 'did you mean "discord"?'),
    "a platform that there is not": swap(DISCORD, "{platform: §matrix}", "allowed: telegram, discord, slack"),
    "an unknown preset": swap(COMMAND, "preset: §cladue", 'did you mean "claude"?'),
    "an unknown agent": swap(DEFAULT, "default_agent: §dmo", 'found "dmo"', "allowed: demo"),
    "an agent that is none": swap(DEFAULT, "default_agent: §[demo]", "found a list", "a text"),
    "an unknown account": swap(
        ALLOW, 'allow: [§"telegarm:1"]', "no account", "allowed: discord, slack, telegram"
    ),
    "an id alone": swap(ALLOW, "allow: [§12345]", "found", PERSON),
    "an id of Discord alone": swap(ALLOW, "allow: [§123456789012345678]", PERSON),
    "a name alone": swap(ALLOW, 'allow: [§"@me"]', PERSON),
    "half a star": swap(ALLOW, 'allow: [§"telegram:12*"]', '"account:*"'),
    "a person of typographic quotes": swap(ALLOW, "allow: [§“telegram:1”]", "straight ones"),
    "an octal id": swap(ALLOW, "allow: [§0o17]", PERSON),
    "a person with a space": swap(ALLOW, 'allow: [§"telegram: 1"]', PERSON),
    "an empty person": swap(ALLOW, 'allow: [§""]', "found an empty text", PERSON),
    "an admin who is none": swap(ALLOW, f"{ALLOW}\n  admins: [§yes]", PERSON),
    "a misspelt level": swap(LEVEL, "level: §inof", 'did you mean "info"?'),
    "a level in capitals": swap(LEVEL, "level: §INFO", 'did you mean "info"?'),
    "a level of another program": swap(LEVEL, "level: §trace", "allowed: debug, info, warning, error"),
    "a level that is a number": swap(LEVEL, "level: §10", "found 10", "allowed: debug"),
    "a truth for a choice": add("delivery:\n  stream: §false\n", "found false", "allowed: auto, draft, off"),
    "a choice in quotes of typists": swap(LEVEL, "level: §”info”", "straight ones"),
    "a choice with a comment": swap(LEVEL, "level: §info#debug", "allowed: debug"),
    "respond misspelt": swap("respond: mention", "respond: §mentions", 'did you mean "mention"?'),
    "perhaps": add("resume:\n  enabled: §perhaps\n", 'found "perhaps"', "true or false"),
    "a number for a truth": add("media:\n  send: §1\n", "found 1", "true or false"),
    "nothing for a truth": add("media:\n  §send:\n", "no value", "true or false"),
    "a kind of tool": add("resume:\n  ask_for: [§exec]\n", 'did you mean "execute"?'),
    "a rate that is a truth": add("limits:\n  messages_per_user: §false\n", "found false", "20/1m, or off"),
    "a rate that is nothing": add("limits:\n  messages_per_user: §0\n", "found 0", "20/1m, or off"),
    "a rate in words": add("limits:\n  messages_per_user: §20 per minute\n", "20/1m, or off"),
    "a rate without a time": add("limits:\n  messages_per_user: §20\n", "20/1m, or off"),
    "a rate without a number": add("limits:\n  messages_per_user: §20/m\n", "20/1m, or off"),
    "a retention of nothing": add("media:\n  retention: §0\n", "found 0", "off, or a duration"),
    "a retention that is a truth": add("media:\n  retention: §false\n", "found false", "off, or"),
    "a retention of a day": add("sessions:\n  retention: §1d\n", 'found "1d"', "at least 7d"),
    "a duration in words": add("shutdown:\n  drain_timeout: §10 minutes\n", SPAN),
    "a duration in min": add("shutdown:\n  drain_timeout: §5min\n", 'found "5min"', SPAN),
    "a duration of two": add("shutdown:\n  drain_timeout: §1h30m\n", 'found "1h30m"', SPAN),
    "a duration of weeks": add("sessions:\n  idle_reset: §2w\n", 'found "2w"', SPAN),
    "a duration below zero": add("shutdown:\n  drain_timeout: §-5s\n", 'found "-5s"', SPAN),
    "a duration of nothing": add("resume:\n  freshness: §0s\n", 'found "0s"', "above zero"),
    "a duration of ages": add("resume:\n  freshness: §9999d\n", 'found "9999d"', "365d"),
    "a duration with a comma": add("resume:\n  freshness: §1,5h\n", SPAN),
    "a duration off": add("shutdown:\n  drain_timeout: §off\n", 'found "off"', SPAN),
    "a list of durations as one": swap(ENV, f"{ENV}    retry_waits: §5s\n", "a list is allowed"),
    "one of the durations": swap(ENV, f"{ENV}    retry_waits: [5s, §soon]\n", "retry_waits.1", SPAN),
    "a size in words": add("media:\n  max_size: §20 megabytes\n", "a size such as 500KB, 20MB or 1GB"),
    "a size in MiB": add("media:\n  max_size: §20MiB\n", 'found "20MiB"', "20MB"),
    "a size off": add("media:\n  max_size: §off\n", 'found "off"', "a size"),
    "a size of terabytes": add("media:\n  max_size: §1TB\n", 'found "1TB"', "a size"),
    "a size that is too large": add("media:\n  max_size: §10GB\n", 'found "10GB"', "to 2GB"),
    "a log that is too small": swap(LEVEL, "keep: §50", "found 50", "from 1MB"),
    "a count of nothing": add("sessions:\n  max_queued: §0\n", "found 0", "at least 1"),
    "a count of half": add("sessions:\n  max_queued: §1.5\n", "found 1.5", "a whole number"),
    "a count in words": add("sessions:\n  max_queued: §ten\n", 'found "ten"', "a whole number"),
    "a count that is a truth": add("sessions:\n  max_queued: §on\n", 'found "on"', "a whole number"),
    "a count without end": add("sessions:\n  max_queued: §.inf\n", "a whole number"),
    "a count of digits": add(f"sessions:\n  max_queued: §{'9' * 5000}\n", "a whole number"),
    "a port alone": swap(
        "  token: planted", "  listen: §8787\n  token: planted", "found 8787", "127.0.0.1:8787"
    ),
    "a colon and a port": swap("  token: planted", '  listen: §":8787"\n  token: planted', "127.0.0.1:8787"),
    "an address alone": swap("  token: planted", "  listen: §localhost\n  token: planted", "a port such as"),
    "an address to click": swap(
        "  token: planted", "  listen: §http://127.0.0.1:8787\n  token: planted", "an address and a port"
    ),
    "a port that is too high": swap(
        "  token: planted", "  listen: §127.0.0.1:99999\n  token: planted", "a port"
    ),
    "an open page": swap(
        "http:\n  token: planted-http-token", "§http:\n  listen: 0.0.0.0:8787", "a token is needed"
    ),
    "a short token": swap("token: planted-http-token", "token: §short", "at least 16", "openssl rand"),
    "a token with spaces": swap(
        "token: planted-http-token", "token: §planted token of words", "without spaces"
    ),
    "a Telegram token of Slack": swap(TOKEN, "token: §xoxb-planted", "BotFather"),
    "half a Telegram token": swap(TOKEN, "token: §123456", "BotFather"),
    "a Telegram token of typists": swap(TOKEN, "token: §“123456:planted”", "straight ones"),
    "a stand-in for a token": swap(TOKEN, "token: §YOUR_TOKEN", "BotFather"),
    "a Discord token with Bot": swap("MTAwMQ.planted", "§Bot MTAwMQ.planted", "without the word Bot"),
    "a Discord token that is an id": swap("MTAwMQ.planted.discord", "§planted123", "public key"),
    "Slack's tokens exchanged": swap("bot_token: xoxb-", "bot_token: §xapp-", "an app-level token", "OAuth"),
    "Slack's signing secret": swap("xapp-planted-app", f"§{'0a' * 16}", "the signing secret"),
    "an address of FTP": swap(TOKEN, f"{TOKEN}\n    api_url: §ftp://x", ADDRESS),
    "an address without http": swap(TOKEN, f"{TOKEN}\n    api_url: §127.0.0.1:8081", ADDRESS),
    "a database of others": swap(DATABASE, "§mysql://u:planted@h/d", "sqlite, or"),
    "a file of a database": swap(DATABASE, "§sqlite:///x.db", "write sqlite alone"),
    "a place for traces": add("telemetry:\n  otlp: §127.0.0.1:4318\n", "begins with http://"),
    "a placeholder in a path": swap(
        ENV, f"{ENV}    cwd: §./work/{{user}}\n", "{session} is the only placeholder"
    ),
    "an empty path": swap("state_dir: ./state", 'state_dir: §""', "found an empty text", "a path"),
    "a NUL": swap(COMMAND, 'command: [§"x\\0y"]', "NUL"),
    "the same token twice": swap(
        DISCORD, f"{{platform: telegram, {TOKEN.replace('123456', '§123456')}}}", "each account"
    ),
    "a very long value": swap(LEVEL, f"level: §{'planted' * 3000}", "not shown here", "allowed: debug"),
}

REFERENCES = {
    "a variable that is not set": swap(
        TOKEN, "token: §${TELEGRAM_TOKEN}", "TELEGRAM_TOKEN is not set", ":-default"
    ),
    "a variable that is empty": swap(TOKEN, "token: §${EMPTY}", "found an empty text", "BotFather", EMPTY=""),
    "a variable with a wrong value": swap(
        LEVEL, "level: §${LEVEL}", "not shown here", "allowed: debug", LEVEL="planted"
    ),
    "a variable without braces": swap(TOKEN, "token: §$TELEGRAM_BOT_TOKEN", "write ${NAME}"),
    "a variable of Windows": swap(TOKEN, 'token: §"%TELEGRAM_BOT_TOKEN%"', "write ${NAME}"),
    "a variable of a template": swap(TOKEN, 'token: §"{{ token }}"', "write ${NAME}"),
    "a brace left open": swap(TOKEN, "token: §${TOKEN", "without its }"),
    "a reference that is empty": swap(TOKEN, "token: §${}", "a reference that is none"),
    "a name with a hyphen": swap(
        TOKEN, "token: §${MY-TOKEN}", "a reference that is none", "${NAME:-default}"
    ),
    "another shell's default": swap(TOKEN, "token: §${TOKEN:?planted}", "a reference that is none"),
    "a file that is not there": swap(
        TOKEN, "token: §${file:/no/such}", "/no/such cannot be read", "check the path"
    ),
    "a file that is a directory": swap(TOKEN, "token: §${file:.}", "cannot be read"),
    "a file that never ends": swap(TOKEN, "token: §${file:/dev/zero}", "cannot be read", "at most 65536"),
    "a file in the wrong words": swap(
        TOKEN, "token: §${FILE:/run/x}", "a reference that is none", "${file:/path}"
    ),
    "a variable of a person": swap(ALLOW, 'allow: [§"telegram:${ME}"]', "ME is not set"),
    "a variable in a path": swap("./state", "§${STATE}/x", "STATE is not set"),
}

MISTAKES = {
    f"{kind}: {name}": mistake
    for kind, mistakes in (
        ("syntax", SYNTAX),
        ("keys", KEYS),
        ("shapes", SHAPES),
        ("values", VALUES),
        ("references", REFERENCES),
    )
    for name, mistake in mistakes.items()
}
