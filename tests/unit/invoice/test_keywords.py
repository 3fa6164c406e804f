"""The keywords of the reader."""

import re

from invoice.keywords import FIELDS, words


def test_the_sourced_words_come_first_and_each_word_once() -> None:
    assert words("recipient_siret")[:3] == ("SIRET client", "SIRET dest", "Ministère")
    assert words("engagement")[:3] == ("Engagement", "EJ", "commande")
    for name in FIELDS:
        assert len(words(name)) == len(set(words(name)))


def test_a_field_without_keywords_has_none() -> None:
    assert words("prepaid") == ()


def test_every_value_expression_compiles_and_money_is_shared() -> None:
    for keywords in FIELDS.values():
        if keywords.value is not None:
            re.compile(keywords.value)
    assert FIELDS["payable"].value == FIELDS["total_excl_tax"].value is not None
