"""The certificates that our requests to others trust, read once."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """For ``verify=`` of a client made for one request: reading them again holds the whole process for 20 ms."""
    return httpx.create_ssl_context()
