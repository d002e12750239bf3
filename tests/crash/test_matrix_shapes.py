"""The crash tests' reading of chats: a whole answer, its beginning, and what is neither."""

import pytest

from adapters.labels import REPEAT_LABEL
from gateway.engine.streams import CONTINUED, STOPPED
from tests.harness.answers import Shape, shape

ASKED = (
    "say plums [[sleep 1s]] and pears",
    "bake [[tool oven 1s]] a cake",
    "what do you know [[recall]]",
    "/stop",
)
WHOLE, HALF, FRAGMENT, OTHER = Shape


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You said: say plums and pears", WHOLE),
        (f"{REPEAT_LABEL}You said: say plums and pears", WHOLE),
        ("Going on with: Ann: say plums and pears\n\nYou said: bake a cake\n\nI ran oven.", WHOLE),
        ("You said: say plums and pears\nAnn: bake a cake\n\nI checked oven and did not repeat it.", WHOLE),
        ("You said: what do you know\n\nFrom my own memory:\n- say plums and pears", WHOLE),
        ("Nothing was left unfinished.", WHOLE),
        ("You said: say plums", HALF),
        ("You said: Ann: say plums", HALF),
        ("You said: User 7: say plums and pears", WHOLE),
        ("Going on with: bake a cake", HALF),
        ("You said: say plums and pears You said: bake a", HALF),
        ("You said:", HALF),
        (f"You said: say plums{CONTINUED}", FRAGMENT),
        (f"You said: say plums and pears{STOPPED}", FRAGMENT),
        (CONTINUED.strip(), FRAGMENT),
        (f"Something{CONTINUED}", OTHER),
        ("You said: nothing of this", OTHER),
        ("say plums and pears", OTHER),
        ("The gateway is restarting.", OTHER),
    ],
)
def test_shapes(text: str, found: Shape) -> None:
    assert shape(text, ASKED) is found
