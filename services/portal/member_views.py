"""What the API says of the people of a structure."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.portal.member_store import Given, Manager

_CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*$"
Subject = Annotated[str, Field(min_length=1, max_length=100, pattern=_CLEAN)]
RoleName = Literal["FOURNISSEUR", "VALIDATEUR", "AGENT", "FINANCE", "COMPTABLE", "MOE", "MOA", "LECTURE"]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RoleIn(_In):
    """A role, perhaps at one service, perhaps for a time. LECTURE always has an end."""

    role: RoleName
    service: Annotated[str, Field(min_length=1, max_length=100, pattern=_CLEAN)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    def given(self) -> Given:
        """As it is kept."""
        return Given(role=self.role, service=self.service, since=self.since, until=self.until)


class RolesIn(_In):
    """The roles that somebody is to have: these and no others."""

    roles: list[RoleIn] = Field(max_length=100)


class RoleView(BaseModel):
    """A role that is held."""

    role: RoleName
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, given: Given) -> "RoleView":
        """As it stands."""
        return cls.model_validate(
            {"role": given.role, "service": given.service, "since": given.since, "until": given.until}
        )


class RoleList(BaseModel):
    """The roles of somebody at a structure."""

    subject: str
    roles: list[RoleView]


class MemberView(BaseModel):
    """Somebody at a structure. ``side``: ``guest`` only reads. ``name`` and ``email`` are those of his account."""

    subject: str
    name: str
    email: str | None
    side: Literal["supplier", "body", "guest"]
    verified: bool
    verified_how: str | None
    manager: Manager | None
    since: datetime | None
    roles: list[RoleView]


class MemberList(BaseModel):
    """The people of a structure that the caller may see: all of them for its managers, himself for the others."""

    members: list[MemberView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class ManagerIn(_In):
    """``null``: no manager any more."""

    level: Manager | None


class CopyIn(_In):
    """Whose roles are copied."""

    source: Subject


class AttachmentRequestIn(_In):
    """``works_there``: of a public body, that one works for it."""

    message: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")] = ""
    works_there: bool = False


class ApprovalIn(_In):
    """Roles that go with the acceptance."""

    roles: list[RoleIn] = Field(default_factory=list, max_length=100)


class AttachmentRequestView(BaseModel):
    """A request to belong to a structure. ``name`` and ``email``: of who asks, for who decides."""

    id: UUID
    structure: str
    structure_name: str
    subject: str
    name: str
    email: str | None
    message: str
    state: Literal["asked", "approved", "refused", "expired", "withdrawn"]
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str | None


class AttachmentRequestList(BaseModel):
    """Requests that the caller made, or that wait for him."""

    requests: list[AttachmentRequestView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class InvitationIn(_In):
    """Who is invited, and as what. Nothing but LECTURE: he reads without belonging to the structure."""

    email: Annotated[str, Field(min_length=3, max_length=300)]
    language: Literal["fr", "en"] = "fr"
    manager: Manager | None = None
    roles: list[RoleIn] = Field(default_factory=list, max_length=100)


class InvitationView(BaseModel):
    """An invitation. ``email`` goes when it has ended."""

    id: UUID
    structure: str
    email: str | None
    manager: Manager | None
    roles: list[RoleView]
    delegation: UUID | None
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    state: Literal["sent", "accepted", "cancelled", "expired"]


class InvitationList(BaseModel):
    """The invitations of a structure."""

    invitations: list[InvitationView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class AcceptIn(_In):
    """The word in the link of the mail."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class AcceptedView(BaseModel):
    """Where somebody has come to."""

    structure: str
    name: str


class DelegationIn(_In):
    """Who stands in for whom (``giver`` left out: oneself), from when to when: somebody there already, or invited."""

    giver: Subject | None = None
    receiver: Subject | None = None
    email: Annotated[str, Field(min_length=3, max_length=300)] | None = None
    since: AwareDatetime
    until: AwareDatetime


class DelegationView(BaseModel):
    """A delegation. ``receiver`` null: invited, not come yet."""

    id: UUID
    structure: str
    giver: str
    receiver: str | None
    since: datetime
    until: datetime
    made_by: str
    made_at: datetime
    ended_at: datetime | None


class DelegationList(BaseModel):
    """The delegations of a structure that the caller may see."""

    delegations: list[DelegationView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class ProofView(BaseModel):
    """A paper. ``document``: whether the file is still kept."""

    id: UUID
    structure: str
    structure_name: str
    subject: str
    kind: str
    dated: date | None
    file_name: str
    document: bool
    state: Literal["submitted", "approved", "refused", "withdrawn"]
    submitted_at: datetime
    decided_at: datetime | None
    reason: str | None


class ProofList(BaseModel):
    """Papers that the caller sent, or that wait for the operator."""

    proofs: list[ProofView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class AdministratorView(BaseModel):
    """An administrator of a tenant."""

    subject: str
    name: str
    email: str | None


class AdministratorList(BaseModel):
    """The administrators of a tenant."""

    tenant: str
    administrators: list[AdministratorView]
