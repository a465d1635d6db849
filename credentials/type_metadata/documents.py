"""One document of type metadata (SD-JWT VC, "Type Metadata Format"), parsed; what is not understood is ignored."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse_object
from credentials.errors import Malformed
from credentials.protocols.members import Members
from credentials.protocols.paths import Path, read_path

_WHAT: Final = "type metadata"
_MAX_BYTES: Final = 262_144
_MAX_CLAIMS: Final = 256
_MAX_LOCALES: Final = 64
_MAX_NAME: Final = 200
_MAX_DESCRIPTION: Final = 2000
_MAX_URI: Final = 65_536
_LOCALE: Final = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")
_SVG_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COLOUR: Final = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_PICTURE: Final = re.compile(r"https://[!-~]+|data:image/(?:png|jpeg|webp|svg\+xml)[;,][!-~]*")


class Disclosable(StrEnum):
    """Whether a claim is selectively disclosable ("Claim Selective Disclosure Metadata")."""

    ALWAYS = "always"
    ALLOWED = "allowed"
    NEVER = "never"


_DISCLOSABLE: Final = frozenset(each.value for each in Disclosable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture of a type.

    Attributes:
        uri: where it is, or the picture itself (`data:`). Fetching it tells its host that somebody has the type.
        integrity: its hashes, to check what was fetched.
        alt_text: what it shows, for whoever does not see it.
    """

    uri: str
    integrity: str | None = None
    alt_text: str | None = None

    @classmethod
    def parse(cls, members: Members) -> Self:
        """Read a `logo`."""
        uri = members.text("uri", max_chars=_MAX_URI)
        if not _PICTURE.fullmatch(uri):
            raise Malformed(members.named("uri"), "it is neither an https address nor a picture of a known kind")
        return cls(
            uri=uri,
            integrity=members.optional_text("uri#integrity", max_chars=1024),
            alt_text=members.optional_text("alt_text", max_chars=_MAX_NAME),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDisplay:
    """How a type is shown to people who read one language ("Display Metadata").

    Attributes:
        locale: a language tag (RFC 5646).
        name: short, such as "A track you own".
        description: longer, or None.
        logo: a picture, or None.
        background_color: such as `#b3124a`; None also if it is written in another way than this.
        text_color: as the background's.
    """

    locale: str
    name: str
    description: str | None = None
    logo: Logo | None = None
    background_color: str | None = None
    text_color: str | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `display`."""
        members = Members(value, what=what)
        rendering = members.optional_object("rendering")
        simple = rendering.optional_object("simple") if rendering else None
        logo = simple.optional_object("logo") if simple else None
        return cls(
            locale=members.text("locale", pattern=_LOCALE),
            name=members.text("name", max_chars=_MAX_NAME),
            description=members.optional_text("description", max_chars=_MAX_DESCRIPTION),
            logo=Logo.parse(logo) if logo else None,
            background_color=_read_colour(simple, "background_color"),
            text_color=_read_colour(simple, "text_color"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLabel:
    """What a claim is called in one language ("Claim Display Metadata")."""

    locale: str
    label: str
    description: str | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of a claim's `display`."""
        members = Members(value, what=what)
        return cls(
            locale=members.text("locale", pattern=_LOCALE),
            label=members.text("label", max_chars=_MAX_NAME),
            description=members.optional_text("description", max_chars=_MAX_DESCRIPTION),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMetadata:
    """What a type says of one claim, or of several ("Claim Metadata").

    Attributes:
        path: which.
        labels: what it is called; empty if the document does not say.
        mandatory: whether every credential has it; None if the document does not say, which means no.
        sd: whether it can be hidden; None if the document does not say, which means that it may.
        svg_id: its name in pictures.
    """

    path: Path
    labels: tuple[ClaimLabel, ...] = ()
    mandatory: bool | None = None
    sd: Disclosable | None = None
    svg_id: str | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `claims`."""
        members = Members(value, what=what)
        sd = members.optional_text("sd")
        if sd is not None and sd not in _DISCLOSABLE:
            raise Malformed(members.named("sd"), "it is neither `always` nor `allowed` nor `never`")
        return cls(
            path=read_path(members),
            labels=members.optional_array("display", ClaimLabel.parse, max_items=_MAX_LOCALES),
            mandatory=members.flag("mandatory", default=False) if "mandatory" in members else None,
            sd=None if sd is None else Disclosable(sd),
            svg_id=members.optional_text("svg_id", pattern=_SVG_ID),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDocument:
    """One document, as it was published; what it extends is not looked at.

    Attributes:
        vct: the type that it describes.
        name: for developers.
        description: for developers.
        extends: the type that it builds on.
        extends_integrity: the hashes of that type's document.
        displays: how it is shown; None if the document does not say.
        claims: what it says of claims; no path twice.
    """

    vct: str
    name: str | None = None
    description: str | None = None
    extends: str | None = None
    extends_integrity: str | None = None
    displays: tuple[TypeDisplay, ...] | None = None
    claims: tuple[ClaimMetadata, ...] = ()

    @classmethod
    def parse(cls, document: bytes) -> Self:
        """Read a document.

        Raises:
            Malformed: it is not type metadata.
        """
        members = Members(parse_object(document, what=_WHAT, max_bytes=_MAX_BYTES), what=_WHAT)
        has_display = "display" in members
        parsed = cls(
            vct=members.text("vct"),
            name=members.optional_text("name", max_chars=_MAX_NAME),
            description=members.optional_text("description", max_chars=_MAX_DESCRIPTION),
            extends=members.optional_text("extends"),
            extends_integrity=members.optional_text("extends#integrity", max_chars=1024),
            displays=members.array("display", TypeDisplay.parse, max_items=_MAX_LOCALES) if has_display else None,
            claims=members.optional_array("claims", ClaimMetadata.parse, max_items=_MAX_CLAIMS),
        )
        paths = [claim.path for claim in parsed.claims]
        # What two entries say of one claim could differ; which one counts is not defined.
        if len(set(paths)) != len(paths):
            raise Malformed(_WHAT, "two elements of `claims` have the same path")
        svg_ids = [claim.svg_id for claim in parsed.claims if claim.svg_id is not None]
        if len(set(svg_ids)) != len(svg_ids):
            raise Malformed(_WHAT, "two elements of `claims` have the same `svg_id`")
        return parsed


def _read_colour(simple: Members | None, name: str) -> str | None:
    text = simple.optional_text(name) if simple else None
    return text if text and _COLOUR.fullmatch(text) else None
