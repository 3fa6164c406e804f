"""Headers of what somebody sent."""

import pytest

from services.common.downloads import download_headers


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("facture.pdf", "attachment; filename=\"facture.pdf\"; filename*=UTF-8''facture.pdf"),
        ('é ; "€".pdf', "attachment; filename=\"_ ; ___.pdf\"; filename*=UTF-8''%C3%A9%20%3B%20%22%E2%82%AC%22.pdf"),
        ("a\r\nb\ud800", "attachment; filename=\"a__b_\"; filename*=UTF-8''a%0D%0Ab%3F"),
    ],
)
def test_a_download_has_its_name_whatever_stands_in_it(name: str, said: str) -> None:
    headers = download_headers(name)
    assert headers["Content-Disposition"] == said
    assert headers["Content-Disposition"].isascii()
    assert "ETag" not in headers


def test_a_download_runs_nothing_and_no_shared_cache_keeps_it() -> None:
    headers = download_headers("a.pdf", "0f")
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["ETag"] == '"0f"'
