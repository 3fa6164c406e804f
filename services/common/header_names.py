"""Records of Kafka whose header names are no text: aiokafka stops at one for ever, until it is told to read on."""

from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


class _Text(bytearray):
    """Bytes that always decode: what is no UTF-8 stands as ``\\xff``."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Text(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")


class _Batch(_DefaultRecordBatchPy):
    def _maybe_uncompress(self) -> None:
        if not self._decompressed:
            super()._maybe_uncompress()
            self._buffer = _Text(self._buffer)


class _Records(_MemoryRecordsPy):
    def next_batch(self, *sizes: int) -> Any:
        found = self._next_slice
        if found is None or found[self.MAGIC_OFFSET] < 2:
            return super().next_batch(*sizes)
        self._cache_next()
        return _Batch(found)


def read_any_header_name() -> None:
    """Let this process read records whose header names are no text, which aiokafka stops at for ever.

    Kafka takes any bytes from other clients. Such a record must become a dead letter like any other poison; reading
    in Python is slower, so it begins when the first one comes and lasts for the life of the process.
    """
    fetcher.MemoryRecords = _Records
