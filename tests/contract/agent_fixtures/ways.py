"""The ways in which the hostile agent misbehaves: what each does, and who was seen doing it.

A way without a name in brackets was seen nowhere yet; it is a small step from one that was.
"""

WAYS = {
    # while it starts
    "hangs_at_initialize": "never answers initialize",
    "exits_at_start": "writes why to standard error and exits with status 3",
    "speaks_version_2": "answers initialize with another version of the protocol",
    "needs_login": "answers session/new with -32000",
    # while a session is loaded
    "cannot_load": "does not have loadSession among its abilities",
    "load_error": "answers session/load with -32603, and why in the data [claude-code, opencode, gemini]",
    "breaks_at_load": "exits instead of answering session/load",
    "empty_load": "loads any id without history, then refuses the prompt without a word [hermes]",
    "replays": "replays the request that it was killed in, with its tool at work [opencode]",
    "replays_without_the_doomed": "has lost the last message of the user [claude-code]",
    "replays_swapped": "replays the first two turns in swapped order [claude-code]",
    "replays_merged": "replays two messages of the user as one [hermes]",
    "replays_in_pieces": "replays messages of the user in several chunks, told apart by ids",
    "replays_a_false_completion": "replays the killed tool call as completed [codex]",
    "replays_a_note_of_its_own": "replays its own end as words of the user [claude-agent]",
    "replays_late": "answers session/load first and replays afterwards [gemini]",
    "replays_half_late": "answers session/load between the ended turns and the doomed one [gemini]",
    # what it says during a turn
    "talks_rubbish": "writes lines that are no message, and an update of an unknown kind",
    "floods_stderr": "writes 1 MiB to standard error in a turn",
    "sends_500_chunks": "sends its answer in 500 chunks at once",
    "sends_5_mib": "sends a chunk of 5 MiB",
    "sends_an_endless_line": "writes a line that never ends",
    "ends_bored": "ends a turn with a stop reason that nobody knows",
    "answers_twice": "answers ids that were never used, and the prompt twice",
    "errs_in_a_word": "answers a prompt with an error that is a word instead of an object",
    "asks_for_a_file": "sends fs/read_text_file although the client offers no files",
    "asks_for_a_terminal": "sends terminal/create although the client offers no terminals",
    "speaks_after_the_end": "sends updates after its answer to the prompt [claude-agent]",
    # how it fails a turn
    "fails_at_length": "answers a prompt with -32603 and a long text over several lines",
    "fails_twice": "answers the first two attempts of a prompt with -32603",
    "fails_always": "answers each prompt with -32603",
    "fails_after_a_tool": "answers with -32603 after a tool call",
    "fails_after_text": "answers with -32603 after a piece of the answer",
    "fails_for_its_key": "answers with -32603 about its API key",
    "fails_when_cancelled": "is silent, and answers -32603 when it is cancelled",
    "forgets_in_words": 'answers a prompt with -32603 and "Session not found" [claude-code, of a load]',
    "forgets_in_other_words": "answers a prompt with -32603 and that there is no such session",
    "forgets_with_a_code": "answers a prompt with -32002 [claude-agent, codex, of a load]",
    # how it takes a cancellation
    "silent": "says one thought and nothing more, whatever it is sent",
    "silent_until_cancelled": "confirms a cancellation [all]",
    "finishes_when_cancelled": "ends its turn as if nothing had been cancelled",
    "cuts_a_tool_and_stops": "says of the step that it cut off that it is completed [opencode, gemini]",
    "cuts_a_tool_and_finishes": "ends a step and its turn as if nothing had been cancelled",
    # how it asks for permission
    "asks": "asks, and tells the client's answer in its own",
    "asks_and_waits": "when cancelled, waits for the answer to its question before it stops [gemini]",
    "asks_and_leaves": "when cancelled, stops without the answer to its question [claude-code]",
    "asks_and_ends": "ends its turn without waiting for the answer to its question",
    "asks_in_odd_order": "offers what refuses before what allows, and what lasts before what does not",
    "asks_without_reject": "offers nothing that refuses",
    "asks_without_options": "offers nothing",
    "asks_of_unknown_kind": "offers an option of a kind that nobody knows",
    "asks_unheard": "asks before it answers session/new",
    "asks_then_silent": "asks, and falls silent whatever the answer",
    "shows_a_tool_only_when_asking": "shows a tool call first in request_permission [gemini]",
    # what it lets people choose
    "offers": "has modes, a grouped option and one that is on or off, and tells what was set",
    "offers_between_turns": "changes mode, options and commands between turns",
    "refuses_settings": "takes no mode and no value that is not among its own",
    "hangs_at_settings": "never answers session/set_config_option",
    # what it leaves behind
    "leaves_an_orphan": "exits in a turn; a child holds its output open [codex]",
    "has_a_child": "starts a child in a session of its own [hermes, opencode, claude-agent]",
    "outlives_sigterm": "ignores the end of its input and SIGTERM [codex, claude-code ignore the first]",
    "closes_its_output": "closes its output in a turn and goes on running",
    # no misbehaviour: what it knows of the gateway
    "tells_its_environment": "answers with its environment",
    "tells_its_directory": "answers with its working directory",
}
