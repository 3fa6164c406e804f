from collections.abc import Callable, Sequence

class DKIMException(Exception): ...

def sign(
    message: bytes,
    selector: bytes,
    domain: bytes,
    privkey: bytes,
    identity: bytes | None = ...,
    canonicalize: tuple[bytes, bytes] = ...,
    signature_algorithm: bytes = ...,
    include_headers: Sequence[bytes] | None = ...,
    length: bool = ...,
) -> bytes: ...
def verify(
    message: bytes,
    dnsfunc: Callable[..., bytes] = ...,
    minkey: int = ...,
) -> bool: ...
