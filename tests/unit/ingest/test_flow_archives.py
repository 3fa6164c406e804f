"""What an archive may hold: every hostile form has its own named outcome, and none touches the disk."""

import gzip
import io
import struct
import tarfile
import zipfile

import pytest

from services.ingest import unpack_slices
from services.ingest.flow_domain import FlowState, ending, kind_of
from services.ingest.flow_words import CODES, said
from services.ingest.names import place
from services.ingest.unpack import work
from services.ingest.unpack_messages import Done, Item, Job
from tests.unit.ingest.flow_samples import (
    facts,
    gzip_bomb,
    invoice,
    link,
    tarred,
    zip_bomb,
    zip_link,
    zipped,
)
from tests.unit.ingest.samples import pdf
from tests.unit.invoice.syntax.write_cpp import cpp


class Heard:
    """Keeps what an unpacking tells."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def tell(self, message: object) -> None:
        assert isinstance(message, Item)
        self.items.append(message)


def unpack(content: bytes, **more: object) -> tuple[Done, list[Item]]:
    """Unpack in this process."""
    kind = kind_of(content[:1024])
    assert kind is not None
    given = {
        "kind": kind,
        "name": "flux",
        "size": len(content),
        "check": False,
        "entries": 1000,
        "ratio": 100,
        "item_bytes": 30_000_000,
        "unpacked_bytes": 1_000_000_000,
        **more,
    }
    heard = Heard()
    done = work(Job(**given), io.BytesIO(content), heard)  # type: ignore[arg-type]
    return done, heard.items


def codes(content: bytes, **more: object) -> list[str | None]:
    """The code of each item."""
    return [item.code for item in unpack(content, **more)[1]]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_gives_its_invoices_with_their_data_read(pack: object) -> None:
    done, items = unpack(pack({"a.xml": invoice("F2"), "b/ü.xml": invoice("F3"), "c.pdf": pdf()}))  # type: ignore[operator]
    assert (done.code, done.entries) == (None, 3)
    assert [(item.name, item.invoice_number, item.reading is not None) for item in items] == [
        ("a.xml", "F2", True),
        ("b/ü.xml", "F3", True),
        ("c.pdf", None, False),
    ]
    assert items[2].content == pdf()


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n" * 50])
def test_a_directory_of_very_many_entries_is_read_in_slices_and_gives_the_same(
    before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "FLOW_SEVERAL" if before else None
    files = {f"{n // 100}/{n}.xml": invoice(f"F{n}") if n % 500 == 0 else b"<a/>" for n in range(3_000)}
    content = b"PK\x03\x04" + before + zipped(files) if before else zipped(files)
    whole = unpack(content, entries=10_000)
    assert whole[0].code == code
    monkeypatch.setattr(unpack_slices, "_WHOLE", 0)
    for size in (100, 5_000, 1_000_000):
        monkeypatch.setattr(unpack_slices, "_SLICE", size)
        assert unpack(content, entries=10_000) == whole
        assert [item.entry for item in unpack(content, entries=10_000, skip=2_990)[1]] == list(range(2_990, 3_000))
    assert unpack(content[: len(content) // 2], check=True)[0].code == "FLOW_DAMAGED"
    broken = bytearray(content)
    broken[content.rindex(b"PK\x01\x02", 0, content.rindex(b"1500.xml"))] ^= 1
    assert unpack(bytes(broken), check=True, entries=10_000)[0].code == "FLOW_DAMAGED"


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_later_process_goes_on_behind_what_was_done(pack: object) -> None:
    content = pack({f"{n}.xml": invoice(f"F{n}") for n in range(5)})  # type: ignore[operator]
    assert [(item.entry, item.name) for item in unpack(content, skip=3)[1]] == [(3, "3.xml"), (4, "4.xml")]


def test_a_flow_of_chorus_pro_is_as_many_items_as_invoices_each_a_document_of_its_own() -> None:
    _, items = unpack(cpp(facts("C1"), facts("C2"), facts("C3")))
    assert [item.invoice_number for item in items] == ["C1", "C2", "C3"]
    assert [item.last for item in items] == [False, False, True]
    assert len({item.sha256 for item in items}) == 3
    for item in items:
        assert [one.invoice_number for one in unpack(item.content)[1]] == [item.invoice_number]


def test_names_that_lead_out_are_refused_and_the_others_taken() -> None:
    hostile = ["../x.xml", "/etc/passwd", "a/../../x.xml", "C:\\x.xml", "..\\x.xml", "a\x07.xml"]
    found = codes(zipped({**{name: invoice("F1") for name in hostile}, "good.xml": invoice("F2")}))
    assert found == ["ENTRY_PATH"] * len(hostile) + [None]
    assert codes(tarred({"../../x.xml": invoice("F1")})) == ["ENTRY_PATH"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_of_one_name_the_first_is_read() -> None:
    assert codes(zipped([("a.xml", invoice("F1")), ("a.xml", invoice("F2"))])) == [None, "ENTRY_NAME_TWICE"]


def test_archives_one_behind_the_other_are_refused_in_words_and_none_is_left_aside_in_silence() -> None:
    first, second = {"a.xml": invoice("F1")}, {"b.xml": invoice("F2")}
    plain = [gzip.decompress(tarred(files)) for files in (first, second)]
    zips = [zipped(first), zipped(second)]
    adjusted = io.BytesIO(zips[0])
    with zipfile.ZipFile(adjusted, "a") as archive:  # counts from the file's beginning, and forgets what it found
        archive.filelist.clear()
        archive.NameToInfo.clear()
        archive.writestr("b.xml", invoice("F2"))
    comment = zips[0][:-2] + struct.pack("<H", len(zips[1])) + zips[1]
    for content in (
        tarred(first) + tarred(second),
        gzip.compress(plain[0] + plain[1]),
        gzip.compress(plain[0]) + gzip.compress(b"<Invoice/>"),
        zips[0] + zips[1],
        zips[0] + invoice("F2"),
        comment,
        adjusted.getvalue(),
    ):
        assert unpack(content, check=True)[0].code == "FLOW_SEVERAL"
    assert unpack(tarred(first) + b"garbage", check=True)[0].code == "FLOW_DAMAGED"
    for padded in (gzip.compress(plain[0] + bytes(70_000)), tarred(first) + bytes(900), zips[0] + bytes(900)):
        assert unpack(padded, check=True)[0].code is None
    commented = zips[0][:-2] + struct.pack("<H", 3) + b"fin"
    assert (unpack(commented)[0].code, codes(commented)) == (None, [None])


def test_a_file_with_another_one_behind_it_is_one_refused_document() -> None:
    [item] = unpack(invoice("F1") + invoice("F2"))[1]
    assert item.unreadable
    assert item.content == invoice("F1") + invoice("F2")


def test_links_and_devices_are_no_files() -> None:
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
    links = [link(f"l{number}", "/etc/passwd", kind) for number, kind in enumerate(kinds)]
    assert codes(tarred({"a.xml": invoice("F1")}, links)) == [None] + ["ENTRY_NOT_A_FILE"] * 4
    assert codes(zip_link("l.xml", "/etc/passwd")) == ["ENTRY_NOT_A_FILE"]


def test_an_archive_in_an_archive_is_not_opened() -> None:
    inner = zipped({"a.xml": invoice("F1")})
    assert codes(zipped({"inner.zip": inner, "inner.tgz": tarred({"a": b"x"})})) == ["ENTRY_ARCHIVE"] * 2


def test_names_without_the_mark_of_utf_8_are_read_as_utf_8_or_else_as_they_stand() -> None:
    content = zipped({"facture-été.xml": invoice("F1")})
    raw = bytearray(content)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(signature)
        struct.pack_into("<H", raw, at + flags, 0)
    assert unpack(bytes(raw))[1][0].name == "facture-été.xml"


def test_bombs_are_stopped_long_before_they_are_unpacked() -> None:
    for bomb in (zip_bomb(), gzip_bomb()):
        done, _ = unpack(bomb, check=True)
        assert done.code == "FLOW_BOMB"
        assert done.unpacked < 110_000_000
    assert unpack(zip_bomb(50), check=True, unpacked_bytes=10_000_000)[0].code == "FLOW_TOO_LARGE_UNPACKED"


def test_an_entry_may_not_be_larger_than_a_single_deposit() -> None:
    big = zipped({"a.xml": bytes(2_000), "b.xml": invoice("F1")})
    assert codes(big, item_bytes=1_999 if len(invoice("F1")) < 1_999 else len(invoice("F1")))[1] is None
    assert codes(zipped({"a.xml": bytes(60_000)}), item_bytes=50_000) == ["ENTRY_TOO_LARGE"]
    assert codes(tarred({"a.xml": bytes(60_000)}), item_bytes=50_000) == ["ENTRY_TOO_LARGE"]


def test_too_many_entries_and_none_refuse_the_whole() -> None:
    assert unpack(zipped({f"{n}": b"<a/>" for n in range(11)}), entries=10)[0].code == "FLOW_TOO_MANY_ENTRIES"
    assert unpack(zipped({}))[0].code == unpack(tarred({}))[0].code == "FLOW_EMPTY"


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_cut_anywhere_is_refused_as_a_whole_when_it_is_checked(pack: object) -> None:
    content = pack({f"{n}.xml": invoice(f"F{n}") for n in range(20)})  # type: ignore[operator]
    for part in (0.1, 0.5, 0.9, 0.99):
        done, _ = unpack(content[: int(len(content) * part)], check=True)
        assert done.code == "FLOW_DAMAGED"
    assert unpack(content, check=True)[0].code is None


def test_a_broken_header_in_the_middle_of_a_tar_is_not_taken_for_its_end() -> None:
    plain = bytearray(gzip.decompress(tarred({"a.xml": b"<a/>", "b.xml": b"<a/>", "c.xml": b"<a/>"})))
    plain[1024 + 148 : 1024 + 156] = b"\xff" * 8
    assert unpack(gzip.compress(bytes(plain)), check=True)[0].code == "FLOW_DAMAGED"
    assert unpack(gzip.compress(b"hello" * 1000))[0].code == "FLOW_NOT_TAR"


def test_a_damaged_entry_of_a_zip_harms_no_other() -> None:
    content = bytearray(zipped({"a.xml": invoice("F1"), "b.xml": invoice("F2")}, zipfile.ZIP_STORED))
    content[200] ^= 0xFF
    assert codes(bytes(content)) == ["ENTRY_DAMAGED", None]


def test_what_is_no_invoice_is_told_by_what_it_is() -> None:
    files = {"a.xml": b"", "b.xml": b"\xff\xd8\xff\xe0", "c.xml": b"plain", "d.xsl": b"<x/>", "__MACOSX/._a": b"x"}
    done, items = unpack(zipped(files))
    assert [item.code for item in items] == ["ENTRY_EMPTY", "ENTRY_NOT_AN_INVOICE", "ENTRY_NOT_AN_INVOICE", None, None]
    assert [item.ignored for item in items] == [False, False, False, True, True]
    assert (items[1].value, done.entries) == ("une image JPEG", 5)


def test_hostile_xml_gets_the_reasons_of_a_single_deposit() -> None:
    xxe = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    lol = b'<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>'
    _, items = unpack(zipped({"xxe.xml": xxe, "lol.xml": lol, "cut.xml": invoice("F1")[:300]}))
    assert all(item.unreadable and item.reading is not None and item.code is None for item in items)
    assert all(b"XML_DOCTYPE" in (item.reading or b"") for item in items[:2])
    assert b"root:" not in b"".join(item.reading or b"" for item in items)


def test_the_content_and_not_the_name_says_what_a_file_is() -> None:
    polyglot = b"<?xml version='1.0'?><!-- %PDF-1.7 --><Invoice/>"
    _, items = unpack(zipped({"pdf.xml": pdf(), "xml.pdf": invoice("F1"), "both": polyglot}))
    assert [item.media_type for item in items] == ["application/pdf", "application/xml", "application/pdf"]


def test_an_entry_that_ended_two_processes_is_refused_without_being_read() -> None:
    assert codes(zipped({"a.xml": invoice("F1"), "b.xml": invoice("F2")}), refuse=0) == ["ENTRY_READER_LOST", None]


def test_every_outcome_has_its_words() -> None:
    for code in CODES:
        found = said(code, "valeur", limit="10", day="02/03/2026", whose="pour le SIRET 1")
        assert "{" not in found.message
        assert found.action


def test_how_a_flow_ends_follows_from_its_outcomes() -> None:
    assert ending({"integrated": 3, "duplicate": 1, "ignored": 1}) is FlowState.INTEGRATED
    assert ending({"integrated": 3, "rejected": 1}) is FlowState.PARTIAL
    assert ending({"to_verify": 1}) is FlowState.PARTIAL
    assert ending({"rejected": 2}) is ending({}) is FlowState.REJECTED


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.xml", "a.xml"),
        ("mars/lot 1/a.xml", "mars/lot 1/a.xml"),
        ("mars\\a.xml", "mars/a.xml"),
        ("../../etc/passwd", "etc/passwd"),
        ("/a\x07/.//b\u202e.xml", "a/b.xml"),
        ("..", "document"),
    ],
)
def test_a_file_of_an_archive_is_named_with_its_folders_and_without_what_leads_out(name: str, told: str) -> None:
    assert place(name) == told


def test_an_envelope_that_every_invoice_would_carry_is_not_multiplied() -> None:
    one = cpp(*(facts(f"F{n}") for n in range(200)))
    assert len(unpack(one)[1]) == 200
    at = one.index(b"<CPPFactureMixteUnitaire")
    heavy = one[:at] + b"<Commentaire>" + b"x" * 2_000_000 + b"</Commentaire>" + one[at:]
    [item] = unpack(heavy)[1]
    assert item.unreadable


def test_very_many_folders_count_as_entries() -> None:
    folders = []
    for n in range(1_100):
        info = tarfile.TarInfo(f"d{n}/")
        info.type = tarfile.DIRTYPE
        folders.append(info)
    assert unpack(tarred({"a.xml": invoice("F1")}, folders), check=True)[0].code == "FLOW_TOO_MANY_ENTRIES"
    named = [(f"d{n}/", b"") for n in range(1_100)]
    assert unpack(zipped([*named, ("a.xml", invoice("F1"))]), check=True)[0].code == "FLOW_TOO_MANY_ENTRIES"
    few = unpack(zipped([("d/", b""), ("d/a.xml", invoice("F1"))]))
    assert (few[0].entries, [item.entry for item in few[1]]) == (1, [0])


@pytest.mark.parametrize("size", [b"\x80" + b"\x7f" * 11, b"\x80" + b"\0" * 5 + b"\x7f" * 6, b"\xff" * 11 + b"\0"])
def test_an_entry_that_claims_more_bytes_than_there_are_in_the_world_is_not_skipped_to_its_end(size: bytes) -> None:
    header = bytearray(tarfile.TarInfo("a.xml").tobuf())
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content = gzip.compress(bytes(header) + invoice("F1").ljust(4096, b"\0"))
    assert unpack(content, check=True)[0].code == "FLOW_DAMAGED"


def test_a_header_that_is_slow_to_search_is_not_searched() -> None:
    slow = b"1" * 400_000 + b" "
    header = tarfile.TarInfo("p")
    header.type, header.size = tarfile.XHDTYPE, len(slow)
    content = header.tobuf() + slow.ljust(-(-len(slow) // 512) * 512, b"\0") + tarfile.TarInfo("a.xml").tobuf()
    assert unpack(gzip.compress(content + bytes(1024)), check=True)[0].code in ("FLOW_DAMAGED", "FLOW_NOT_TAR")
