"""The chain of a history: whatever is changed in an export is found, and the entry named."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.status.chain import Export, Fault, Line, canonical, chain_start, check, digest_of

FEW = settings(max_examples=40)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=2))


def chained(lines: list[dict[str, Any]], invoice: UUID) -> Export:
    """An export as the database makes one."""
    before, made = chain_start(invoice), []
    for number, given_line in enumerate(lines, 1):
        facts = {**given_line["facts"], "invoice": str(invoice), "entry": number}
        words: dict[str, str] = {}
        for name, salt, digest in (
            ("who", "who_salt", "subject_digest"),
            ("comment", "comment_salt", "comment_digest"),
        ):
            if given_line.get(name) is not None:
                words |= {name: given_line[name], salt: hashlib.md5(str(number).encode()).hexdigest()}
                found = hashlib.sha256(bytes.fromhex(words[salt]) + given_line[name].encode()).hexdigest()
                facts[digest] = f"\\x{found}"
        salt = hashlib.md5(f"{number}salt".encode()).hexdigest()
        line = Line(entry=number, chain="", facts=facts, salt=salt, **words)
        own = digest_of(line)
        before = hashlib.sha256(before + own).digest()
        if given_line["sealed"]:
            line = Line(entry=number, chain="", sealed=own.hex())
        made.append(msgspec.structs.replace(line, chain=before.hex()))
    return Export(
        invoice=invoice, number="F-1", exported_at="", entries=len(made), head=before.hex(), history=tuple(made)
    )


LINES = st.fixed_dictionaries(
    {"facts": st.dictionaries(WORDS, VALUES, max_size=4), "sealed": st.booleans()},
    optional={"who": WORDS, "comment": WORDS},
)
EXPORTS = st.builds(chained, st.lists(LINES, min_size=2, max_size=6), st.uuids())


def entries(faults: list[Fault]) -> set[int]:
    return {fault.entry for fault in faults}


def with_line(export: Export, place: int, line: Line) -> Export:
    lines = list(export.history)
    lines[place] = line
    return msgspec.structs.replace(export, history=tuple(lines))


@FEW
@given(EXPORTS)
def test_what_nobody_touched_holds_also_after_a_trip_through_json(export: Export) -> None:
    assert check(msgspec.json.decode(msgspec.json.encode(export), type=Export), head=export.head) == []


@FEW
@given(EXPORTS, st.data())
def test_an_altered_fact_is_found_at_its_entry(export: Export, data: st.DataObject) -> None:
    shown = [place for place, line in enumerate(export.history) if line.facts is not None]
    if not shown:
        return
    place = data.draw(st.sampled_from(shown))
    line = export.history[place]
    name = data.draw(st.sampled_from(sorted(line.facts or {})) | WORDS)
    value = data.draw(VALUES)
    changed = {**(line.facts or {}), name: value}
    if canonical(changed) == canonical(line.facts):
        return
    assert line.entry in entries(check(with_line(export, place, msgspec.structs.replace(line, facts=changed))))


@FEW
@given(EXPORTS, st.data())
def test_a_changed_digest_salt_or_word_is_found_at_its_entry(export: Export, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(export.history) - 1))
    line = export.history[place]
    there = ("chain", "sealed", "salt", "who", "who_salt", "comment", "comment_salt")
    name = data.draw(st.sampled_from([name for name in there if getattr(line, name) is not None]))
    value = data.draw(st.sampled_from(["", "00", "zz", getattr(line, name) + "00"]) | WORDS)
    if value == getattr(line, name):
        return
    assert line.entry in entries(check(with_line(export, place, msgspec.structs.replace(line, **{name: value}))))


@FEW
@given(EXPORTS, st.data())
def test_a_removed_entry_is_named(export: Export, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(export.history) - 1))
    lines = export.history[:place] + export.history[place + 1 :]
    faults = check(msgspec.structs.replace(export, history=lines))
    assert (place + 1, "MISSING") in {(fault.entry, fault.code) for fault in faults}


@FEW
@given(EXPORTS, st.data())
def test_a_removed_entry_is_found_even_when_the_others_are_numbered_anew(export: Export, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(export.history) - 2))
    left = export.history[:place] + export.history[place + 1 :]
    anew = tuple(
        msgspec.structs.replace(
            line, entry=number, facts=None if line.facts is None else {**line.facts, "entry": number}
        )
        for number, line in enumerate(left, 1)
    )
    faults = check(msgspec.structs.replace(export, history=anew, entries=len(anew)))
    assert place + 1 in entries(faults)


@FEW
@given(EXPORTS, st.data())
def test_an_inserted_entry_is_named(export: Export, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(export.history)))
    number = data.draw(st.integers(-1, len(export.history) + 3))
    copied = data.draw(st.sampled_from(export.history))
    lines = list(export.history)
    lines.insert(place, msgspec.structs.replace(copied, entry=number))
    assert number in entries(check(msgspec.structs.replace(export, history=tuple(lines))))


@FEW
@given(EXPORTS, st.data())
def test_entries_in_another_order_are_found(export: Export, data: st.DataObject) -> None:
    lines = data.draw(st.permutations(export.history))
    if tuple(lines) != export.history:
        assert "ORDER" in {fault.code for fault in check(msgspec.structs.replace(export, history=tuple(lines)))}


@FEW
@given(EXPORTS)
def test_an_end_cut_off_is_found_by_the_head_held_from_elsewhere(export: Export) -> None:
    shorter = export.history[:-1]
    cut = msgspec.structs.replace(export, history=shorter, entries=len(shorter), head=shorter[-1].chain)
    assert check(cut) == []
    assert [fault.code for fault in check(cut, head=export.head)] == ["HEAD"]


@FEW
@given(EXPORTS)
def test_the_history_of_another_invoice_does_not_pass_for_this_one_s(export: Export) -> None:
    assert 1 in entries(check(msgspec.structs.replace(export, invoice=uuid4())))


@FEW
@given(EXPORTS)
def test_erased_words_leave_the_chain_whole(export: Export) -> None:
    erased = tuple(
        msgspec.structs.replace(line, who=None, who_salt=None, comment=None, comment_salt=None)
        for line in export.history
    )
    assert check(msgspec.structs.replace(export, history=erased), head=export.head) == []


@pytest.mark.parametrize(
    ("value", "spelled"), [(0.93, "0.93"), (1.0, "1.0"), (1e-7, "0.0000001"), (1e22, "10000000000000000000000")]
)
def test_a_number_with_a_fraction_is_spelled_without_an_exponent(value: float, spelled: str) -> None:
    assert canonical(value) == spelled
