"""Whatever a document holds, the answer about it fits an event."""

from contracts.envelope import encode
from contracts.events import DocumentRead, EmbeddedFile, ReadCandidate, ReadField
from invoice.findings import Finding
from services.common.outbox import MAX_VALUE_BYTES
from services.ocr.answers import Whole
from services.ocr.bounds import MAX_FILES, MAX_VALUE, bounded
from services.ocr.domain import FIELD_NAMES

BOX = (1.0, 2.0, 3.0, 4.0)
LONG = "é" * 100_000


def field(name: str, value: str) -> ReadField:
    candidate = ReadCandidate(value=value, page=1, box=BOX, keyword=LONG, raw=LONG, score=0.5)
    return ReadField(
        name=name,
        value=value,
        confidence="sure",
        page=1,
        box=BOX,
        keyword=LONG,
        raw=LONG,
        candidates=(candidate,) * 50,
    )


def test_the_largest_answer_fits_an_event() -> None:
    finding = Finding(code="X", level="warn", message=LONG, value=LONG, normalised=LONG, action=LONG)
    whole = bounded(
        Whole(
            fields=tuple(field(name, LONG[:1900]) for name in FIELD_NAMES),
            warnings=(finding,) * 1_000,
            embedded=(EmbeddedFile(name=LONG, media_type=LONG, size=1, description=LONG),) * 10_000,
            page_sizes=((595.28, 841.89),) * 1_000,
        )
    )
    data = DocumentRead(
        sha256="0" * 64,
        pages=1_000,
        fields=whole.fields,
        reader="x",
        warnings=whole.warnings,
        embedded=whole.embedded,
        page_sizes=whole.page_sizes,
    )
    assert len(encode(data)) <= MAX_VALUE_BYTES
    assert len(whole.embedded) == MAX_FILES


def test_a_value_that_had_to_be_cut_is_no_sure_one() -> None:
    [cut] = bounded(Whole(fields=(field("service_code", LONG),))).fields
    assert (len(cut.value), cut.confidence) == (MAX_VALUE, "unsure")


def test_an_ordinary_answer_is_left_as_it_is() -> None:
    plain = ReadField(name="tax", value="1.00", confidence="sure", page=1, box=BOX, keyword="TVA", raw="1,00")
    whole = Whole(pages=1, fields=(plain,), warnings=(Finding(code="X", level="warn", message="Non."),))
    assert bounded(whole) == whole
