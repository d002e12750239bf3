"""How gateway payloads are packed: one stream of compression for the life of a connection, or plain text."""

import zlib
from typing import Protocol

try:
    import zstandard
except ImportError:  # then a client that asks for it is answered in plain text, which every client reads
    zstandard = None


class Packing(Protocol):
    """Turns a payload into what goes into one frame: text, or bytes of the compressed stream."""

    def pack(self, text: str) -> str | bytes: ...


class Plain:
    def pack(self, text: str) -> str | bytes:
        return text


class Zlib:
    """Every payload ends in the empty block of a sync flush, by which clients know that it is whole."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def pack(self, text: str) -> str | bytes:
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


def packing(asked: str) -> Packing:
    """What a client that asks for `compress=` gets."""
    if asked == "zlib-stream":
        return Zlib()
    if asked == "zstd-stream" and zstandard is not None:
        stream = zstandard.ZstdCompressor().compressobj()
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK

        class Zstd:
            def pack(self, text: str) -> str | bytes:
                return stream.compress(text.encode()) + stream.flush(flush)

        return Zstd()
    return Plain()
