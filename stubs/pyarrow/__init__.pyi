from typing import Any

class Schema:
    names: list[str]

class RecordBatch:
    def to_pylist(self) -> list[dict[str, Any]]: ...

class Table:
    @classmethod
    def from_pylist(cls, mapping: list[dict[str, Any]]) -> Table: ...
