from typing import Any

class _DefaultRecordBatchPy:
    _buffer: bytearray
    _decompressed: bool
    def __init__(self, buffer: bytes | bytearray | memoryview) -> None: ...
    def _maybe_uncompress(self) -> None: ...

class _DefaultRecordBatchBuilderPy:
    HEADER_STRUCT: Any
    _buffer: bytearray
    _pos: int
    _compression_type: int
    def __init__(self, *settings: Any) -> None: ...
    def _maybe_compress(self) -> bool: ...
