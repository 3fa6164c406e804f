"""Every event of Chorale, one frozen struct per type and major version.

A type is named ``fr.chorale.<subject>.<action>.v<major>``. Fields may be added with a default, never renamed,
removed or narrowed: ``python -m contracts.compat`` refuses it. Money is ``Decimal`` (a JSON string), instants are
aware UTC, legal days are dates. All of them stand here, in one long list.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec

from invoice.directory import Engagement, Service, Structure, Tenant
from invoice.findings import Finding
from invoice.model import InvoiceHeader, Party, Works

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every event's data. ``TYPE`` is the CloudEvents type."""

    TYPE: ClassVar[str]


class ClaimCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a document's bytes are and what they must be. ``size`` in bytes; ``offset``/``length`` into a pack."""

    bucket: str
    key: str
    sha256: str
    size: int
    media_type: str
    offset: int | None = None
    length: int | None = None


class ReadCandidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that was considered for a field, with its place; ``score`` from 0 to 1, higher is likelier."""

    value: str
    page: int
    box: tuple[float, float, float, float]
    keyword: str
    raw: str
    score: float


class ReadField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value read on a page or in a data file, with its evidence.

    ``value`` is canonical (ISO date, ``1234.56``, 14 digits; ``vat_breakdown`` is ``rate base amount`` per rate,
    joined by ``; ``); ``raw`` is what stands on the page; ``page`` counts from 1; ``box`` is x0, y0, x1, y1 in PDF
    points from the page's bottom left. ``sure`` means that nothing on the page contradicts the value.
    ``candidates`` are the other values considered, best first. For a value of a data file ``page`` is 0, ``box``
    empty (four zeros), and ``keyword`` its EN 16931 term (``BT-1``); where the page shows the same value too, page and
    box are the page's.
    """

    name: str
    value: str
    confidence: Literal["sure", "unsure"]
    page: int
    box: tuple[float, float, float, float]
    keyword: str
    raw: str
    score: float | None = None
    candidates: tuple[ReadCandidate, ...] = ()


class DocumentSignature(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An electronic signature found in a PDF. ``whole``: it covers the document as it stands.

    ``valid``: the bytes are those that were signed; ``altered``: they are not; ``unknown``: it cannot be checked.
    Whether the signer is to be trusted is not said.
    """

    state: Literal["valid", "altered", "unknown"]
    whole: bool
    signed_at: Instant | None = None


class EmbeddedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file carried inside the document. ``size`` in bytes, of the content."""

    name: str
    media_type: str
    size: int
    description: str | None = None


class DocumentReceived(Payload, frozen=True, kw_only=True):
    """The bytes of a deposit are stored, and nothing more is said."""

    TYPE = "fr.chorale.document.received.v1"
    document: ClaimCheck
    depositor: str
    received_at: Instant


class DocumentRead(Payload, frozen=True, kw_only=True):
    """What the reader found. ``empty`` names why nothing was read (a scan, no keyword): decisions.md 20.

    ``source``: the page's text, or the data file that was read in its place. ``page_sizes``: width and height in PDF
    points as shown, per page. ``warnings``: the page differs from the data file. ``lines``: how many the data hold.
    """

    TYPE = "fr.chorale.document.read.v1"
    sha256: str
    pages: int
    fields: tuple[ReadField, ...]
    reader: str
    empty: Finding | None = None
    source: Literal["text", "facturx", "ubl", "cii", "cpp"] = "text"
    page_sizes: tuple[tuple[float, float], ...] = ()
    warnings: tuple[Finding, ...] = ()
    signatures: tuple[DocumentSignature, ...] = ()
    embedded: tuple[EmbeddedFile, ...] = ()
    lines: int = 0


class DocumentUnreadable(Payload, frozen=True, kw_only=True):
    """The document cannot be opened: encrypted, damaged, too big or hostile."""

    TYPE = "fr.chorale.document.unreadable.v1"
    sha256: str
    reasons: tuple[Finding, ...]
    reader: str


class DraftSaved(Payload, frozen=True, kw_only=True):
    """A deposit waits for a person (*À vérifier*): it is not sent. ``reasons`` says what is missing or unsure.

    ``flow``: the id of the flow that it came in, whose end tells of all its drafts at once.
    """

    TYPE = "fr.chorale.draft.saved.v1"
    depositor: str
    contact: str
    file_name: str
    version: int
    reasons: tuple[Finding, ...]
    saved_at: Instant
    flow: str | None = None


class DraftAged(Payload, frozen=True, kw_only=True):
    """A draft has waited for ``days`` days since ``made_at``: it is still not sent, and its depositor may not know."""

    TYPE = "fr.chorale.draft.aged.v1"
    depositor: str
    contact: str
    file_name: str
    days: int
    version: int
    made_at: Instant
    aged_at: Instant
    invoice_number: str | None = None


class DepositRefused(Payload, frozen=True, kw_only=True):
    """A deposit is refused at entry: no invoice, no number burnt (decisions.md 14).

    ``flow``: the id of the flow that it came in, whose end tells of all its refusals at once.
    """

    TYPE = "fr.chorale.deposit.refused.v1"
    depositor: str
    contact: str
    file_name: str
    reasons: tuple[Finding, ...]
    refused_at: Instant
    invoice_number: str | None = None
    flow: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that goes with an invoice. ``name`` is the depositor's own, whole; ``type`` one of chorus-pro.md 5.

    ``short_name``: 50 characters at most, unique among the deposit's, for exchanges that cut names there.
    """

    id: str
    document: ClaimCheck
    name: str
    type: str
    label: str | None = None
    short_name: str | None = None


class InvoiceSubmitted(Payload, frozen=True, kw_only=True):
    """These data, accepted: from here on there is an invoice and its number is taken.

    ``validators`` are SIRETs in their order, ``validator_parties`` the same with their services. ``works``: of a works
    piece only. ``attachments``: those stored so far; later ones come as :class:`AttachmentStored`. ``read_as``: the
    deposit that its document was read and its pages drawn for, where it is not the invoice's own.
    """

    TYPE = "fr.chorale.invoice.submitted.v1"
    invoice: InvoiceHeader
    document: ClaimCheck
    depositor: str
    contact: str
    file_name: str
    submitted_at: Instant
    attempt: int = 1
    validators: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()
    validator_parties: tuple[Party, ...] = ()
    works: Works | None = None
    attachments: tuple[Attachment, ...] = ()
    read_as: str | None = None


class AttachmentStored(Payload, frozen=True, kw_only=True):
    """A file was added to an invoice that was submitted before. ``stored_by``: the subject of who added it."""

    TYPE = "fr.chorale.attachment.stored.v1"
    attachment: Attachment
    stored_by: str
    stored_at: Instant


class FlowCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many invoices of a flow had which outcome; ``ignored`` are files that are no invoices and harm nothing."""

    integrated: int = 0
    to_verify: int = 0
    rejected: int = 0
    duplicate: int = 0
    ignored: int = 0


class FlowFinished(Payload, frozen=True, kw_only=True):
    """Every invoice of a flow has its outcome. ``state``: how the flow ended (chorus-pro.md 15).

    ``errors``: why the file as a whole was refused.
    """

    TYPE = "fr.chorale.flow.finished.v1"
    depositor: str
    contact: str
    file_name: str
    state: Literal["IN_INTEGRE", "IN_INTEGRE_PARTIEL", "IN_REJETE"]
    counts: FlowCounts
    received_at: Instant
    finished_at: Instant
    errors: tuple[Finding, ...] = ()


class InvoiceRouted(Payload, frozen=True, kw_only=True):
    """The recipient is found: structure, service, and every rule looked at.

    ``recycling_restarts_delay``: the policy of the recipient's tenant on that day (decisions.md 2). It counts only
    where the invoice was at another structure's disposal before.
    """

    TYPE = "fr.chorale.invoice.routed.v1"
    attempt: int
    tenant: str
    structure_siret: str
    structure_name: str
    findings: tuple[Finding, ...]
    directory_version: int
    decided_at: Instant
    service_code: str | None = None
    service_label: str | None = None
    recycling_restarts_delay: bool = True


class InvoiceUnroutable(Payload, frozen=True, kw_only=True):
    """No recipient may receive the invoice as it is addressed: every rule looked at, with what to correct."""

    TYPE = "fr.chorale.invoice.unroutable.v1"
    attempt: int
    findings: tuple[Finding, ...]
    directory_version: int
    decided_at: Instant
    tenant: str | None = None


class StatusChanged(Payload, frozen=True, kw_only=True):
    """The invoice entered a status. ``entry`` numbers the invoice's history from 1 without a gap.

    ``previous_siret`` and ``previous_service_code``: the body that had the invoice and has it no longer, because the
    supplier has just addressed it to another one. ``validator``: the SIRET of the valideur whose answer is waited for.
    """

    TYPE = "fr.chorale.status.changed.v1"
    entry: int
    status_from: str | None
    status_to: str
    actor: str
    visibility: Literal["all", "body"]
    changed_at: Instant
    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    payable: Decimal
    currency: str
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    tenant: str | None = None
    reasons: tuple[Finding, ...] = ()
    previous_siret: str | None = None
    previous_service_code: str | None = None
    validator: str | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field that an act changed, or a value that came with it: what it held and what it holds."""

    field: str
    before: str | None = None
    after: str | None = None


class ActionRecorded(Payload, frozen=True, kw_only=True):
    """Somebody acted on an invoice without changing its status. ``entry`` numbers the invoice's history.

    ``action`` names a row of ``services/status/actions*.py``. ``visibility`` ``body``: not for the supplier.
    """

    TYPE = "fr.chorale.action.recorded.v1"
    entry: int
    action: str
    actor: str
    visibility: Literal["all", "body"]
    recorded_at: Instant
    status: str
    invoice_number: str
    supplier_siret: str
    recipient_siret: str
    service_code: str | None = None
    tenant: str | None = None
    motif: str | None = None
    comment: str | None = None
    changes: tuple[Changed, ...] = ()
    reasons: tuple[Finding, ...] = ()


class RoutingRequested(Payload, frozen=True, kw_only=True):
    """An invoice is to be routed once more, as ``invoice`` is addressed now.

    ``attempt`` counts from 2; an older one is stale. ``purpose``: the supplier has corrected the address or his
    validators have had their say (``recycled``, in the second case with no ``previous_structure``), or the body
    hands the invoice to another of its own services, in which case only the service is in question. ``submitted_at``
    is the deposit's, ``requested_at`` the instant whose Paris day the rules are asked for. ``previous_structure`` and
    ``previous_service``: who had the invoice before, None where nobody had.
    """

    TYPE = "fr.chorale.routing.requested.v1"
    attempt: int
    purpose: Literal["recycled", "transferred"]
    invoice: InvoiceHeader
    submitted_at: Instant
    requested_at: Instant
    previous_structure: str | None = None
    previous_service: str | None = None


class DelayAtRisk(Payload, frozen=True, kw_only=True):
    """A delay is about to end, or has ended, and somebody is to be reminded: of the invoice itself nothing changes.

    ``timer`` names the delay (a row of ``services/status/timers.yaml``: ``payment_due_5``, ``validation_reminder``…),
    ``audiences`` who is to be reminded (supplier, validator, body, moa), ``waited_for`` the actor whose turn it is.
    ``since``: when the invoice entered ``status``. ``due_on``: the last day on which the body pays in time,
    ``days_left`` until then (negative: late), both None while no payment delay runs. ``entry``: the last one of the
    history.
    """

    TYPE = "fr.chorale.delay.at_risk.v1"
    timer: str
    audiences: tuple[str, ...]
    entry: int
    status: str
    since: Instant
    at: Instant
    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    payable: Decimal
    currency: str
    waited_for: str | None = None
    due_on: date | None = None
    days_left: int | None = None
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    tenant: str | None = None


class NotificationAccepted(Payload, frozen=True, kw_only=True):
    """A relay accepted a message about an invoice or a deposit. The first one to the body starts the delay.

    ``audience`` is the side of the invoice; ``role`` who precisely on that side, where it is not the supplier or the
    body's managers: ``validator``, ``moe``, ``moa``, or the tenant's ``administrator``, to whom the notice went because
    every address of the body had failed.
    """

    TYPE = "fr.chorale.notification.accepted.v1"
    message: str
    kind: str
    audience: Literal["supplier", "body"]
    accepted_at: Instant
    entry: int | None = None
    role: str | None = None


class NotificationFailed(Payload, frozen=True, kw_only=True):
    """A message was given up: the address refused it for good, or every attempt failed.

    ``bounced``: a relay had accepted it before, and it came back. ``role``: as for an acceptance.
    """

    TYPE = "fr.chorale.notification.failed.v1"
    message: str
    kind: str
    audience: Literal["supplier", "body"]
    failed_at: Instant
    cause: Literal["permanent", "technical"]
    entry: int | None = None
    role: str | None = None
    bounced: bool = False


class TenantPublished(Payload, frozen=True, kw_only=True):
    """Latest version of a tenant. Replicas never lower ``version``.

    ``deleted`` makes it a tombstone, here as for every entry of the directory: a record that keeps its key, its version
    and the bare name of what is gone, so that a replica which reads it never takes an older version for the latest.
    ``export_request``: every service is asked to export its part of the tenant, under this id.
    """

    TYPE = "fr.chorale.tenant.published.v1"
    version: int
    tenant: Tenant
    changed_by: str
    changed_at: Instant
    deleted: bool = False
    export_request: str | None = None


class StructurePublished(Payload, frozen=True, kw_only=True):
    """Latest version of a public structure."""

    TYPE = "fr.chorale.structure.published.v1"
    version: int
    structure: Structure
    changed_by: str
    changed_at: Instant
    deleted: bool = False


class ServicePublished(Payload, frozen=True, kw_only=True):
    """Latest version of a service of a structure."""

    TYPE = "fr.chorale.service.published.v1"
    version: int
    service: Service
    changed_by: str
    changed_at: Instant
    deleted: bool = False


class EngagementPublished(Payload, frozen=True, kw_only=True):
    """Latest version of an engagement that a body's finance system knows. Never shown to anybody but its supplier."""

    TYPE = "fr.chorale.engagement.published.v1"
    version: int
    engagement: Engagement
    changed_by: str
    changed_at: Instant
    deleted: bool = False


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One right: a role, where it is held, and since and until when; outside its dates it does not hold.

    ``role`` is one of ``invoice/data/rights.yaml``. ``structure``: the SIRET (or other identifier) it is held at;
    ``service``: the code of the one service of that structure it is limited to. ``tenant``: of a tenant's
    administrator, and of every role held at a public body, so that the body's side is told from its supplier's side.
    """

    role: str
    structure: str | None = None
    service: str | None = None
    tenant: str | None = None
    since: Instant | None = None
    until: Instant | None = None


class AccountPublished(Payload, frozen=True, kw_only=True):
    """Latest version of a subject with all its rights, so that a change is whole. Replicas never lower ``version``.

    Tokens of the subject issued before ``sessions_from`` are refused. ``scopes``, ``writes_each_minute`` and
    ``writes_each_day`` are those of a piece of software; None: the platform's limits. Nothing here says who it is.
    """

    TYPE = "fr.chorale.account.published.v1"
    subject: str
    version: int
    kind: Literal["person", "software", "service"]
    state: Literal["active", "locked", "closed"]
    grants: tuple[Grant, ...] = ()
    scopes: tuple[str, ...] = ()
    sessions_from: Instant | None = None
    writes_each_minute: int | None = None
    writes_each_day: int | None = None


class SessionRevoked(Payload, frozen=True, kw_only=True):
    """A session is over: its tokens are refused. ``expires_at``: when the last of them would have ended anyway."""

    TYPE = "fr.chorale.session.revoked.v1"
    subject: str
    session: str
    version: int
    expires_at: Instant


class SigningKeyPublished(Payload, frozen=True, kw_only=True):
    """A key with which tokens are signed. ``public_key``: Ed25519, 32 bytes, base64url without padding.

    It signs from ``valid_from`` on and no token of it is taken after ``until``; None: as long as no later version says.
    """

    TYPE = "fr.chorale.signing_key.published.v1"
    kid: str
    public_key: str
    version: int
    valid_from: Instant
    until: Instant | None = None


class SolicitationRecorded(Payload, frozen=True, kw_only=True):
    """Something happened to a sollicitation: a question to support, to a body's service or to a supplier.

    Nothing of what was written is here. ``entry`` numbers the sollicitation's own story. ``addressee`` and ``asker``
    are the two sides, ``by`` the one that acted. ``author`` is the account that asked; ``tell``: the accounts that are
    told of this by mail. ``invoice`` and its number, where it is about one: the event is then keyed by it.
    ``recipient_siret``, ``service_code`` and ``tenant``: the public body among the two sides, if there is one.
    """

    TYPE = "fr.chorale.solicitation.recorded.v1"
    solicitation: str
    reference: str
    entry: int
    act: Literal["asked", "asked_again", "answered", "reminded", "overdue", "closed"]
    at: Instant
    category: str
    subcategory: str
    addressee: Literal["support", "body", "supplier"]
    asker: Literal["person", "supplier", "body", "validator", "moe", "moa"]
    by: Literal["asker", "addressee", "platform"]
    author: str
    tell: tuple[str, ...] = ()
    invoice: str | None = None
    invoice_number: str | None = None
    supplier_siret: str | None = None
    recipient_siret: str | None = None
    recipient_name: str | None = None
    service_code: str | None = None
    tenant: str | None = None
    due_at: Instant | None = None


EVENTS: tuple[type[Payload], ...] = (
    DocumentReceived,
    DocumentRead,
    DocumentUnreadable,
    DraftSaved,
    DraftAged,
    DepositRefused,
    InvoiceSubmitted,
    AttachmentStored,
    FlowFinished,
    InvoiceRouted,
    InvoiceUnroutable,
    StatusChanged,
    ActionRecorded,
    RoutingRequested,
    DelayAtRisk,
    NotificationAccepted,
    NotificationFailed,
    TenantPublished,
    StructurePublished,
    ServicePublished,
    EngagementPublished,
    AccountPublished,
    SessionRevoked,
    SigningKeyPublished,
    SolicitationRecorded,
)
BY_TYPE: dict[str, type[Payload]] = {event.TYPE: event for event in EVENTS}
