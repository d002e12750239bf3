"""What the hostile agent replays of one ended turn and one in which it was killed.

For each way: the updates before its answer to session/load, and those after it.
"""

from keys import KEYS
from wire import said, tool

FIRST = said("user_message_chunk", "first")
ANSWER = said("agent_message_chunk", "an old answer")
DOOMED = said("user_message_chunk", "doomed")
BEGUN = said("agent_message_chunk", "an old beginning")
AT_WORK = tool("old", "in_progress")
ALL = (FIRST, ANSWER, DOOMED, BEGUN, AT_WORK)

REPLAYS = {
    "replays": (ALL, ()),
    "replays_without_the_doomed": ((FIRST, ANSWER), ()),
    "replays_swapped": ((DOOMED, BEGUN, FIRST, ANSWER), ()),
    "replays_merged": ((said("user_message_chunk", "first\n\ndoomed"), BEGUN), ()),
    "replays_in_pieces": (
        (
            said("user_message_chunk", "fir", "1"),
            said("user_message_chunk", "st", "1"),
            said("user_message_chunk", "doo", "2"),
            said("user_message_chunk", "med", "2"),
        ),
        (),
    ),
    "replays_a_false_completion": (
        (*ALL, tool("old", "completed", "tool_call_update")),
        (),
    ),
    "replays_a_note_of_its_own": (
        (*ALL, said("user_message_chunk", "[Request interrupted by user for tool use]")),
        (),
    ),
    "replays_files": (
        (
            FIRST,
            ANSWER,
            DOOMED,
            {
                "sessionUpdate": "user_message_chunk",
                "content": {"type": "image", "data": "AA==", "mimeType": "image/png"},
            },
            {
                "sessionUpdate": "user_message_chunk",
                "content": {"type": "resource_link", "uri": "file:///w/a.pdf", "name": "a.pdf"},
            },
        ),
        (),
    ),
    "replays_files_as_words": (
        (
            FIRST,
            ANSWER,
            DOOMED,
            said("user_message_chunk", "[@a.pdf](file:///w/a.pdf)"),
            said("user_message_chunk", " [b](file:///w/b%20%28.pdf)\n"),
        ),
        (),
    ),
    **dict.fromkeys(KEYS, (ALL, ())),
    "replays_late": ((), ALL),
    "replays_half_late": ((FIRST, ANSWER), (DOOMED, BEGUN, AT_WORK)),
}
