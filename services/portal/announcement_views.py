"""What the API says of announcements."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.portal.announcement import Announcement, Kind, Said

_CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PARAGRAPHS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=150, pattern=_CLEAN)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=4000, pattern=_PARAGRAPHS)]


class AnnouncementIn(BaseModel):
    """What is said, from when until when. ``structure`` and ``service``: the code that closes, on ``ends_at``."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(examples=["maintenance"])
    title: Title = Field(examples=["Maintenance dans la nuit du 2 au 3 mai"])
    body: Text = Field(examples=["La plateforme sera fermée de 1 h à 3 h. Ce que vous aurez enregistré est gardé."])
    title_en: Title | None = None
    body_en: Text | None = None
    tenant: Annotated[str, Field(max_length=100, pattern=_CLEAN)] | None = None
    structure: str | None = Field(None, pattern=r"^\d{14}$")
    service: Annotated[str, Field(max_length=100, pattern=_CLEAN)] | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    shown_from: AwareDatetime = Field(examples=["2026-04-25T06:00:00Z"])
    shown_until: AwareDatetime = Field(examples=["2026-05-03T03:00:00Z"])

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.shown_from >= self.shown_until:
            raise ValueError("« shown_until » vient après « shown_from ».")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at > self.ends_at:
            raise ValueError("« ends_at » ne vient pas avant « starts_at ».")
        if self.kind == "code_closing" and self.structure is None:
            raise ValueError("Un code qui ferme se désigne par « structure » et « service ».")
        if self.service is not None and self.structure is None:
            raise ValueError("« service » demande « structure ».")
        if any(at is not None and not 2000 <= at.year <= 2999 for at in self._instants()):
            raise ValueError("Les instants sont de ce millénaire.")
        return self

    def _instants(self) -> tuple[datetime | None, ...]:
        return self.starts_at, self.ends_at, self.shown_from, self.shown_until

    def said(self) -> Said:
        """As it is kept."""
        return Said(**{name: getattr(self, name) for name in Said.__struct_fields__})


class AnnouncementChange(AnnouncementIn):
    """The whole of it as it is to be. ``version`` is the one that was read."""

    version: int = Field(ge=1)


class PublicAnnouncement(BaseModel):
    """What is shown to everybody. ``tenant`` null: the operator says it; else whose it is, by id and name."""

    id: UUID
    kind: Kind
    tenant: str | None
    tenant_name: str | None
    structure: str | None
    service: str | None
    title: str
    body: str
    title_en: str | None
    body_en: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    shown_from: datetime
    shown_until: datetime

    @classmethod
    def of(cls, found: Announcement) -> "PublicAnnouncement":
        """As everybody reads it."""
        return cls(**{name: getattr(found, name) for name in cls.model_fields})


class AnnouncementView(PublicAnnouncement):
    """As its writers read it."""

    state: Literal["planned", "shown", "over", "withdrawn"]
    version: int
    made_at: datetime
    changed_at: datetime

    @classmethod
    def at(cls, found: Announcement, now: datetime) -> "AnnouncementView":
        """As it stands."""
        state: Literal["planned", "shown", "over", "withdrawn"] = "shown"
        if found.withdrawn_at is not None:
            state = "withdrawn"
        elif now < found.shown_from:
            state = "planned"
        elif now >= found.shown_until:
            state = "over"
        names = set(cls.model_fields) - {"state"}
        return cls(state=state, **{name: getattr(found, name) for name in names})


class PublicAnnouncements(BaseModel):
    """The operator's before any tenant's, then maintenance, then by date."""

    announcements: list[PublicAnnouncement]


class AnnouncementPage(BaseModel):
    """Newest first. ``next`` is the cursor of the page after, absent on the last."""

    announcements: list[AnnouncementView]
    next: UUID | None
