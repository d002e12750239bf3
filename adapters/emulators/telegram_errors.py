"""Refusals, worded as the real server words them: clients tell them apart by that."""


class ApiError(Exception):
    """A refusal; the message is the answer's `description`."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.retry_after = retry_after


def bad_request(what: str) -> ApiError:
    return ApiError(400, f"Bad Request: {what}")
