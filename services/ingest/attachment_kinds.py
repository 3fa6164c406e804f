"""What may be attached: endings of names, types of papers, and what the first bytes must be (chorus-pro.md 5)."""

from collections.abc import Mapping
from types import MappingProxyType

from services.ingest.kinds import PDF, is_pdf

#: The types of the norm, with their French names; DOCUMENT_ANNEXE where nothing is said.
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "DOCUMENT_ANNEXE": "Document annexe",
        "PJA": "Pièce justificative additionnelle",
        "BON_COMMANDE": "Bon de commande",
        "BON_LIVRAISON": "Bon de livraison",
        "RIB": "Relevé d'identité bancaire",
        "LISIBLE": "Version lisible de la facture",
        "FEUILLE_DE_STYLE": "Feuille de style",
        "BORDEREAU_SUIVI": "Bordereau de suivi",
        "BORDEREAU_SUIVI_VALIDATION": "Bordereau de suivi de la validation",
        "ETAT_ACOMPTE": "État d'acompte",
        "FACTURE_PAIEMENT_DIRECT": "Facture de paiement direct",
        "RECAPITULATIF_COTRAITANCE": "Récapitulatif de cotraitance",
    }
)
DEFAULT_TYPE = "DOCUMENT_ANNEXE"
ONLY_ONE = "LISIBLE"

_ZIPPED = {
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
_TEXTS = {
    "txt": "text/plain",
    "csv": "text/csv",
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "htm": "text/html",
    "html": "text/html",
    "xhtml": "application/xhtml+xml",
    "rtf": "application/rtf",
}
_UNMARKED = ("doc", "fax", "p7s", "pps", "ppt", "xlc", "xlm", "xls")
#: Endings whose files always begin in the same way: how, and what they are.
_MARKED: Mapping[str, tuple[tuple[bytes, ...], str]] = MappingProxyType(
    {
        "png": ((b"\x89PNG\r\n\x1a\n",), "image/png"),
        "gif": ((b"GIF87a", b"GIF89a"), "image/gif"),
        "bmp": ((b"BM",), "image/bmp"),
        **dict.fromkeys(("jpg", "jpeg"), ((b"\xff\xd8\xff",), "image/jpeg")),
        **dict.fromkeys(("tif", "tiff"), ((b"II*\x00", b"MM\x00*"), "image/tiff")),
        **dict.fromkeys(("gz", "gzip", "tgz"), ((b"\x1f\x8b",), "application/gzip")),
        "bz2": ((b"BZh",), "application/x-bzip2"),
        **{ending: ((b"PK\x03\x04", b"PK\x05\x06"), kind) for ending, kind in _ZIPPED.items()},
    }
)
_MACH = (b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", *_MACH)
ENDINGS = tuple(sorted(("pdf", *_MARKED, *_TEXTS, *_UNMARKED)))


def ending(name: str) -> str:
    """The ending of a file's name in lower case, without its dot; empty where there is none."""
    stem, dot, found = name.rpartition(".")
    return found.lower() if dot and stem else ""


def is_program(head: bytes) -> bool:
    """Whether this is something to be run, whatever its name says."""
    return head.startswith(_PROGRAMS)


def media_type(head: bytes, end: str) -> str | None:
    """What a file with this ending is, from its first bytes; None where they are those of something else.

    Texts and old office files begin in many ways, so that only their ending names them.
    """
    if end == "pdf":
        return PDF if is_pdf(head) else None
    if end in _MARKED:
        starts, kind = _MARKED[end]
        return kind if head.startswith(starts) else None
    if end in _TEXTS:
        wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        return _TEXTS[end] if wide or b"\x00" not in head else None
    return "application/octet-stream"
