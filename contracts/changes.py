"""What may differ between two versions of a contract, and what each difference means for a deployment.

Two questions decide: can new readers read what old writers wrote (backward), and can old readers read what new writers
write (forward)? Readers ignore unknown fields, writers leave out fields that stand at their default.
"""

from typing import Literal

import msgspec

Verdict = Literal["compatible", "readers-first", "breaking", "unclassified"]


class Kind(msgspec.Struct, frozen=True):
    """A class of difference: its verdict, and why in words."""

    verdict: Verdict
    why: str


KINDS: dict[str, Kind] = {
    "documentation": Kind("compatible", "only words for readers changed"),
    "optional-added": Kind("compatible", "old readers ignore it, new readers take its default from old messages"),
    "topic-added": Kind("compatible", "nobody reads it yet; create the topic before its writer starts"),
    "reader-added": Kind("compatible", "it reads what is written already"),
    "reader-removed": Kind("compatible", "the others go on reading"),
    "retention-lengthened": Kind("compatible", "messages only stay longer"),
    "example-added": Kind("compatible", "golden examples may be added"),
    "type-added": Kind("readers-first", "a reader that does not know the type parks its messages as UNKNOWN_TYPE"),
    "type-retired": Kind("readers-first", "an up-caster lifts it: readers need it before a writer stops the old type"),
    "made-optional": Kind("readers-first", "old readers still demand it and new writers leave it out at its default"),
    "type-widened": Kind("readers-first", "old readers refuse the values that are new"),
    "enum-added": Kind("readers-first", "old readers refuse a message with the new value"),
    "nullable-added": Kind("readers-first", "old readers refuse null"),
    "alternative-added": Kind("readers-first", "old readers refuse the new alternative"),
    "bounds-widened": Kind("readers-first", "old readers refuse what lies outside the old bounds"),
    "constraint-removed": Kind("readers-first", "old readers refuse what the old rule forbade"),
    "required-added": Kind("breaking", "messages written before lack it"),
    "made-required": Kind("breaking", "messages written before may lack it"),
    "removed": Kind("breaking", "what was written there is silently lost; a renamed field reads as removed and added"),
    "type-changed": Kind("breaking", "neither side can read the other's messages"),
    "type-narrowed": Kind("breaking", "messages written before may hold what is refused now"),
    "enum-removed": Kind("breaking", "messages written before may hold the value"),
    "nullable-removed": Kind("breaking", "messages written before may hold null"),
    "alternative-removed": Kind("breaking", "messages written before may hold the alternative"),
    "bounds-narrowed": Kind("breaking", "messages written before may lie outside the new bounds"),
    "constraint-added": Kind("breaking", "messages written before may break the new rule"),
    "constraint-changed": Kind("breaking", "nothing shows that the new rule takes what the old one took"),
    "default-changed": Kind("breaking", "writers leave out defaults, so old messages would change their meaning"),
    "type-removed": Kind("breaking", "messages of that type are still on the topic and no up-caster reads them"),
    "type-moved": Kind("breaking", "its messages lose their order with those left on the old topic"),
    "topic-removed": Kind("breaking", "its readers and what is still on it are cut off"),
    "writer-changed": Kind("breaking", "a topic has one writer; during the deployment it would have two"),
    "key-changed": Kind("breaking", "events of one key would lie on two partitions, out of order"),
    "partitions-changed": Kind("breaking", "events of one key would lie on two partitions, out of order"),
    "compaction-changed": Kind("breaking", "messages that readers count on would be deleted, or kept for ever"),
    "retention-shortened": Kind("breaking", "a reader that is away for longer than that loses events"),
    "example-removed": Kind("breaking", "golden examples are append-only: they stand for messages already written"),
    "example-changed": Kind("breaking", "golden examples are append-only: add another one instead"),
    "example-unreadable": Kind("breaking", "a message like it may be on the topic"),
    "unclassified": Kind(
        "unclassified", "this check knows no rule for it; teach contracts/compare.py one, with a test"
    ),
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. ``event`` is a type or a topic, ``field`` a path in its data, ``first`` whom to deploy first."""

    code: str
    what: str
    event: str = ""
    field: str = ""
    first: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether and in which order the change may be deployed."""
        return KINDS[self.code].verdict

    @property
    def why(self) -> str:
        """The reason of the verdict, in words."""
        return KINDS[self.code].why
