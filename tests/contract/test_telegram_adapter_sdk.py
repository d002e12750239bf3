"""aiogram with few of its models built does all that the adapter asks of it.

Each test is a process of its own: an import happens once, and here it must be the first.
"""

import subprocess
import sys
import textwrap

PREAMBLE = """
import sys
from pydantic import BaseModel

def built():
    import aiogram.methods, aiogram.types
    models = {
        model
        for module in (aiogram.methods, aiogram.types)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    }
    return sum(model.__pydantic_complete__ for model in models), len(models)
"""


def run(program: str) -> str:
    """What the program prints, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_what_is_used_is_built():
    counts = run("""
        import adapters.telegram.adapter
        some, all = built()
        from adapters.telegram.sdk import Update, prepare
        prepare(Update)
        print(some, built()[0], all)
    """)
    before, after, models = map(int, counts.split())
    assert models > 500
    assert before < after < models / 20


def test_pydantic_is_as_it_was():
    run("""
        import gc
        rebuild, config = BaseModel.__dict__["model_rebuild"], BaseModel.model_config
        import adapters.telegram.sdk
        assert BaseModel.__dict__["model_rebuild"] is rebuild
        assert BaseModel.model_config is config
        assert gc.isenabled()

        class Other(BaseModel):
            number: int

        assert Other.__pydantic_complete__
        assert "defer_build" not in Other.model_config
    """)


def test_a_failing_import_leaves_pydantic_as_it_was():
    run("""
        import gc
        rebuild, config = BaseModel.__dict__["model_rebuild"], BaseModel.model_config
        sys.modules["aiogram.types"] = None
        try:
            import adapters.telegram.sdk
        except ImportError:
            pass
        else:
            raise AssertionError("imported")
        assert BaseModel.__dict__["model_rebuild"] is rebuild
        assert BaseModel.model_config is config
        assert gc.isenabled()
    """)


def test_an_aiogram_that_was_imported_before_is_left_alone():
    run("""
        import aiogram
        before = built()
        import adapters.telegram.adapter
        assert built()[0] >= before[0] > 300, before
    """)


def test_a_root_that_cannot_be_built_alone_has_everything_built():
    run("""
        from adapters.telegram import sdk
        once = [False]
        alone = sdk._build

        def refuse_once(model):
            if not once[0]:
                once[0] = True
                return False
            return alone(model)

        sdk._build = refuse_once
        sdk.prepare(sdk.Update)
        assert built()[0] > 300
        sdk.Update.model_validate({"update_id": 1})
    """)


def test_every_method_and_every_answer_works():
    """Building, sending and reading, through aiogram's own checks; and every way of saying no."""
    run("""
        import asyncio, json
        from adapters.telegram import client, requests, sdk

        bot, session = client.open_bot("42:token", "http://127.0.0.1:9")
        async def build(method):
            async with session._body(bot, method) as (data, _):
                assert data

        requests.prepare_rare()
        file = requests.LocalFile(sys.executable, "python", "", 1)
        user = {"id": 42, "is_bot": True, "first_name": "Bot", "username": "a_bot"}
        answers = [
            (requests.SendText(chat_id="1", text="x"), {"message_id": 5, "chat": {"id": 1}}),
            (requests.PollUpdates(offset=None, timeout=0), [{"update_id": 1}, 7]),
            (sdk.GetMe(), user),
            (requests.EditText(chat_id="1", message_id=5, text="x"), {"message_id": 5}),
            (requests.ShowDraft(chat_id="1", draft_id=1, text="x"), True),
            (requests.React(chat_id="1", message_id=5, reaction=[{"type": "emoji"}]), True),
            (requests.ListCommands(), [{"command": "new", "description": "x"}]),
            (requests.OfferCommands(commands=[{"command": "new"}]), True),
            (requests.FindFile(file_id="f"), {"file_id": "f", "file_path": "documents/f"}),
            (requests.SendDocument(chat_id="1", file=file), {"message_id": 5}),
            (requests.SendPhoto(chat_id="1", file=file), {"message_id": 5}),
            (requests.SendAudio(chat_id="1", file=file), {"message_id": 5}),
            (sdk.DeleteWebhook(drop_pending_updates=False), True),
            (sdk.SendChatAction(chat_id=1, action="typing", message_thread_id=None), True),
        ]
        for method, result in answers:
            content = json.dumps({"ok": True, "result": result}).encode()
            assert session.check_response(bot, method, 200, content).result is not None
            asyncio.run(build(method))
            for status, more, expected in [
                (400, {}, sdk.TelegramBadRequest),
                (400, {"migrate_to_chat_id": -5}, sdk.TelegramMigrateToChat),
                (401, {}, sdk.TelegramUnauthorizedError),
                (403, {}, sdk.TelegramForbiddenError),
                (404, {}, sdk.TelegramNotFound),
                (409, {}, sdk.TelegramConflictError),
                (413, {}, sdk.TelegramEntityTooLarge),
                (429, {"retry_after": 3}, sdk.TelegramRetryAfter),
                (500, {}, sdk.TelegramServerError),
            ]:
                refusal = {"ok": False, "error_code": status, "description": "no", "parameters": more}
                try:
                    session.check_response(bot, method, status, json.dumps(refusal).encode())
                except expected:
                    continue
                raise AssertionError((method, status))
        asyncio.run(session.end())
    """)
