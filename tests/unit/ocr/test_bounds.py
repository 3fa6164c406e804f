"""What an answer keeps of too many remarks: those that hold an invoice up."""

from invoice.findings import Finding
from services.ocr.answers import Whole
from services.ocr.bounds import MAX_FINDINGS, bounded


def remark(code: str, field: str | None, number: int = 0) -> Finding:
    return Finding(code=code, level="warn", message=str(number), field=field)


def test_a_flood_of_remarks_hides_no_difference() -> None:
    flood = [remark("DATA_MALFORMED", "payment_mode", n) for n in range(50)]
    last = (remark("PAGE_AMOUNT_DIFFERS", "payable"), remark("DATA_MALFORMED", "prepaid"))
    kept = bounded(Whole(warnings=(*flood, *last))).warnings
    assert len(kept) == MAX_FINDINGS
    assert kept[:2] == last


def test_few_remarks_keep_their_order() -> None:
    few = tuple(remark("DATA_MALFORMED", name) for name in ("due_date", "tax", "due_date"))
    assert bounded(Whole(warnings=few)).warnings == few
