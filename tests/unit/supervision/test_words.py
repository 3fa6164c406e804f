"""What supervision says in two languages."""

from services.supervision.words import euros, sentence


def test_amounts_are_written_as_the_language_does() -> None:
    assert euros("1234.5", "fr") == "1\u202f234,50\u202f€"
    assert euros("1234.5", "en") == "€1,234.50"
    said = sentence("risks", "fr", interest=euros("0.00", "fr"), indemnity=euros(40, "fr"))
    assert said.endswith("En retard : 0,00\u202f€ d'intérêts et 40,00\u202f€ d'indemnités.")
