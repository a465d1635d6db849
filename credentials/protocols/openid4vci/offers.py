"""Credential offers (OpenID4VCI 1.0 §4.1): by value, by reference, and the links that carry them."""

from dataclasses import dataclass
from typing import Final, Literal, Self
from urllib.parse import quote

from credentials.encoding.strict_json import Json, dump, parse
from credentials.errors import Malformed
from credentials.protocols.links import parse_link_fields
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.urls import parse_issuer_url, parse_service_url

AUTHORIZATION_CODE_GRANT: Final = "authorization_code"
PRE_AUTHORIZED_CODE_GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
MAX_OFFER_BYTES: Final = 16384
_WHAT: Final = "credential offer"
_MAX_CONFIGURATIONS: Final = 64
_MAX_DESCRIPTION: Final = 300
_MAX_CODE: Final = 1024
# The standard's scheme, and those that HAIP drafts and HAIP 1.0 gave wallets.
_SCHEMES: Final = frozenset({"openid-credential-offer", "haip", "haip-vci"})

InputMode = Literal["numeric", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TxCode:
    """A transaction code is wanted with the token request, and what it looks like.

    Attributes:
        input_mode: digits only, or any characters.
        length: how many characters, if the issuer says.
        description: where the listener finds it; at most 300 characters.
    """

    input_mode: InputMode = "numeric"
    length: int | None = None
    description: str | None = None

    @classmethod
    def read(cls, members: Members) -> Self:
        """Read the `tx_code` object; an empty one still means that a code is wanted."""
        mode = members.optional_text("input_mode", max_chars=16) or "numeric"
        if mode not in ("numeric", "text"):
            raise Malformed(members.named("input_mode"), "it is neither `numeric` nor `text`")
        return cls(
            input_mode="text" if mode == "text" else "numeric",
            length=members.optional_integer("length", minimum=1, maximum=64),
            description=members.optional_text("description", max_chars=_MAX_DESCRIPTION),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the `tx_code` object."""
        return without_absent(input_mode=self.input_mode, length=self.length, description=self.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOffer:
    """What an issuer offers, and how to get it.

    Attributes:
        credential_issuer: the issuer's identifier, compared exactly.
        credential_configuration_ids: names from the issuer's metadata.
        pre_authorized_code: None when the offer has no such grant.
        tx_code: what transaction code is wanted; None when none is.
        authorization_server: which of the issuer's authorization servers knows the code, if there are several.
        authorization_code: whether the wallet may also ask for it with the authorization code grant.
        issuer_state: for that grant; not without it.
    """

    credential_issuer: str
    credential_configuration_ids: tuple[str, ...]
    pre_authorized_code: str | None = None
    tx_code: TxCode | None = None
    authorization_server: str | None = None
    authorization_code: bool = False
    issuer_state: str | None = None

    @classmethod
    def parse(cls, data: bytes | str) -> Self:
        """Read a credential offer object from its JSON text."""
        return cls.parse_object(parse(data, what=_WHAT, max_bytes=MAX_OFFER_BYTES))

    @classmethod
    def parse_object(cls, value: Json) -> Self:
        """Read a credential offer object; members that we do not know are ignored (§4.1.1)."""
        members = Members(value, what=_WHAT)
        grants = members.optional_object("grants")
        code = grants.optional_object(PRE_AUTHORIZED_CODE_GRANT) if grants else None
        login = grants.optional_object(AUTHORIZATION_CODE_GRANT) if grants else None
        tx_code = code.optional_object("tx_code") if code else None
        return cls(
            credential_issuer=parse_issuer_url(
                members.required("credential_issuer"), what=members.named("credential_issuer")
            ),
            credential_configuration_ids=members.texts(
                "credential_configuration_ids", max_items=_MAX_CONFIGURATIONS, max_chars=256
            ),
            pre_authorized_code=code.text("pre-authorized_code", max_chars=_MAX_CODE) if code else None,
            tx_code=TxCode.read(tx_code) if tx_code else None,
            authorization_server=_read_server(code) if code else None,
            authorization_code=login is not None,
            issuer_state=login.optional_text("issuer_state") if login else None,
        )

    def to_json(self) -> dict[str, Json]:
        """Write the credential offer object."""
        code = {
            "pre-authorized_code": self.pre_authorized_code,
            "tx_code": self.tx_code.to_json() if self.tx_code else None,
            "authorization_server": self.authorization_server,
        }
        grants: dict[str, Json] = {}
        if self.authorization_code:  # it has no member that must be there
            grants[AUTHORIZATION_CODE_GRANT] = without_absent(issuer_state=self.issuer_state)
        if self.pre_authorized_code:
            grants[PRE_AUTHORIZED_CODE_GRANT] = without_absent(**code)
        return without_absent(
            credential_issuer=self.credential_issuer,
            credential_configuration_ids=list(self.credential_configuration_ids),
            grants=grants,
        )

    def to_link(self) -> str:
        """The offer by value, as a link that opens a wallet (§4.1.2)."""
        return f"openid-credential-offer://?credential_offer={quote(dump(self.to_json()), safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferReference:
    """Where an offer can be fetched, once or several times (§4.1.3)."""

    url: str

    def to_link(self) -> str:
        """The offer by reference, as a link that opens a wallet and fits into a QR code."""
        return f"openid-credential-offer://?credential_offer_uri={quote(self.url, safe='')}"


def parse_offer_link(text: str) -> CredentialOffer | OfferReference:
    """Read what a listener pasted or scanned: a wallet link, an https link that holds the same, or the JSON.

    Raises:
        Malformed: it is no credential offer.
    """
    stripped = check_text(text, what=_WHAT, max_chars=4 * MAX_OFFER_BYTES, lines=True).strip()
    if stripped.startswith("{"):
        return CredentialOffer.parse(stripped)
    fields = parse_link_fields(stripped, schemes=_SCHEMES, what=_WHAT)
    match (fields.get("credential_offer"), fields.get("credential_offer_uri")):
        case (str(offer), None):
            return CredentialOffer.parse(offer)
        case (None, str(url)):
            return OfferReference(url=parse_service_url(url, what="address of the credential offer"))
        case (None, None):
            raise Malformed(_WHAT, "the link holds neither `credential_offer` nor `credential_offer_uri`")
        case _:
            raise Malformed(_WHAT, "the link holds both `credential_offer` and `credential_offer_uri`")


def _read_server(grant: Members) -> str | None:
    if "authorization_server" not in grant:
        return None
    return parse_issuer_url(grant.text("authorization_server"), what=grant.named("authorization_server"))
