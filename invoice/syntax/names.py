"""The namespaces of the syntaxes, each with the prefix that the tables of paths use."""

OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
UBL = {
    "cbc": OASIS + "CommonBasicComponents-2",
    "cac": OASIS + "CommonAggregateComponents-2",
    "ext": OASIS + "CommonExtensionComponents-2",
}
UBL_LINES = (f"{{{UBL['cac']}}}InvoiceLine", f"{{{UBL['cac']}}}CreditNoteLine")

_DATA = "urn:un:unece:uncefact:data:standard:"
# D16B and D22B, Factur-X, ZUGFeRD 2.
CII = {
    "rsm": _DATA + "CrossIndustryInvoice:100",
    "ram": _DATA + "ReusableAggregateBusinessInformationEntity:100",
    "udt": _DATA + "UnqualifiedDataType:100",
}
ZUGFERD_1 = {
    "rsm": "urn:ferd:CrossIndustryDocument:invoice:1p0",
    "ram": _DATA + "ReusableAggregateBusinessInformationEntity:12",
    "udt": _DATA + "UnqualifiedDataType:15",
}
