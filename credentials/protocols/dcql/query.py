"""The query language of OpenID4VP 1.0 §6 as types.

All that the standard defines is read; what cannot be answered yet is refused by `choose`, in words, never ignored.
"""

import re
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_items, check_text, without_absent
from credentials.protocols.paths import Path, read_path

SD_JWT_VC: Final = "dc+sd-jwt"
LDP_VC: Final = "ldp_vc"
ISSUER: Final = "issuer"
SUBJECT: Final = "credentialSubject"
"""Where the claims of a W3C credential are; paths begin at the credential's root (§B.1.2)."""
AUTHORITY_KEY_ID: Final = "aki"
_WHAT: Final = "DCQL query"
# Ours at their largest: eight proofs, a track or its release, in three formats each.
_MAX_CREDENTIALS: Final = 64
_MAX_CLAIMS: Final = 64
# In all of a query: each is looked for in every copy of a wallet, which may hold thousands.
_MAX_ALL_CLAIMS: Final = 256
_MAX_VALUES: Final = 512
_MAX_SETS: Final = 32
_MAX_OPTIONS: Final = 64
_MAX_TYPES: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

Value: TypeAlias = "str | int | bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuery:
    """One claim that is asked for (§6.3).

    Attributes:
        path: where it is in the credential.
        values: what it may be; empty for anything. A hint to the wallet that the verifier checks itself (§6.4.1).
        id: its name in `claim_sets`.
    """

    path: Path
    values: tuple[Value, ...] = ()
    id: str | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `claims`."""
        members = Members(value, what=what)
        return cls(
            path=read_path(members),
            values=members.optional_array("values", _read_value, max_items=_MAX_VALUES),
            id=members.optional_text("id", pattern=_ID),
        )

    def to_json(self) -> dict[str, Json]:
        """Write one element of `claims`."""
        return without_absent(id=self.id, path=list(self.path), values=list(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedAuthority:
    """Whose credentials the verifier says it accepts (§6.1.1)."""

    type: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `trusted_authorities`."""
        members = Members(value, what=what)
        return cls(type=members.text("type", max_chars=256), values=members.texts("values", max_items=_MAX_TYPES))

    def to_json(self) -> dict[str, Json]:
        """Write one element of `trusted_authorities`."""
        return {"type": self.type, "values": list(self.values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialQuery:
    """One credential that is asked for (§6.1).

    Attributes:
        id: its name in the answer.
        format: such as `dc+sd-jwt`.
        vct_values: which types of SD-JWT VC; empty in other formats.
        claims: what to disclose; empty for nothing that can be hidden.
        claim_sets: alternative selections of `claims`, by their ids, the verifier's favourite first; empty for all.
        multiple: whether several credentials may answer; our wallet sends one all the same.
        trusted_authorities: whose credentials are accepted.
        require_cryptographic_holder_binding: an SD-JWT VC of ours always comes with a key binding, whether required
            or not; an `ldp_vc` is wanted within a presentation that its holder signed, or (false) by itself.
        doctype_value: of an `mso_mdoc` query.
        type_values: of a W3C query: the types, as full IRIs, that a credential must have; one of these sets.
    """

    id: str
    format: str = SD_JWT_VC
    vct_values: tuple[str, ...] = ()
    claims: tuple[ClaimQuery, ...] = ()
    claim_sets: tuple[tuple[str, ...], ...] = ()
    multiple: bool = False
    trusted_authorities: tuple[TrustedAuthority, ...] = ()
    require_cryptographic_holder_binding: bool = True
    doctype_value: str | None = None
    type_values: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `credentials`."""
        members = Members(value, what=what)
        format_ = members.text("format", max_chars=64)
        meta = members.object("meta")
        query = cls(
            id=members.text("id", pattern=_ID),
            format=format_,
            vct_values=meta.texts("vct_values", max_items=_MAX_TYPES) if format_ == SD_JWT_VC else (),
            claims=members.optional_array("claims", ClaimQuery.parse, max_items=_MAX_CLAIMS),
            claim_sets=members.optional_array("claim_sets", _read_ids, max_items=_MAX_SETS),
            multiple=members.flag("multiple", default=False),
            trusted_authorities=members.optional_array(
                "trusted_authorities", TrustedAuthority.parse, max_items=_MAX_TYPES
            ),
            require_cryptographic_holder_binding=members.flag("require_cryptographic_holder_binding", default=True),
            doctype_value=meta.optional_text("doctype_value", max_chars=256),
            type_values=_read_alternatives(meta, required=format_ == LDP_VC),
        )
        query.check_ids()
        return query

    def check_ids(self) -> None:
        """Check the ids of claims: unique, and all there that `claim_sets` name (§6.1, §6.3).

        Raises:
            Malformed: they are not.
        """
        ids = [claim.id for claim in self.claims if claim.id is not None]
        if len(set(ids)) != len(ids):
            raise Malformed(_WHAT, "two claims of one credential query have the same id")
        if self.claim_sets and len(ids) != len(self.claims):
            raise Malformed(_WHAT, "with `claim_sets`, every claim needs an id")
        if not {name for option in self.claim_sets for name in option} <= set(ids):
            raise Malformed(_WHAT, "`claim_sets` names a claim that is not in `claims`")

    def to_json(self) -> dict[str, Json]:
        """Write one element of `credentials`."""
        meta = without_absent(
            vct_values=list(self.vct_values),
            doctype_value=self.doctype_value,
            type_values=[list(types) for types in self.type_values],
        )
        written = without_absent(
            id=self.id,
            format=self.format,
            multiple=self.multiple or None,
            trusted_authorities=[authority.to_json() for authority in self.trusted_authorities],
            require_cryptographic_holder_binding=None if self.require_cryptographic_holder_binding else False,
            claims=[claim.to_json() for claim in self.claims],
            claim_sets=[list(option) for option in self.claim_sets],
        )
        return written | {"meta": meta}

    def accepts_type(self, *, vct: str, types: frozenset[str]) -> bool:
        """Whether a type is one of those asked for: `vct` of an SD-JWT VC, full IRIs of a linked one (§B.1.1)."""
        if self.format == SD_JWT_VC:
            return vct in self.vct_values
        return any(types.issuperset(wanted) for wanted in self.type_values)

    def claim_path(self, path: Path) -> Path:
        """A path as it is in every format: of a linked credential's claim, without the subject before it."""
        return path[1:] if self.format == LDP_VC and path[0] == SUBJECT and len(path) > 1 else path

    def selections(self) -> tuple[tuple[int, ...], ...]:
        """The alternatives to disclose, favourite first, as indexes into `claims` (§6.4.1).

        Without `claim_sets` there is one: all claims.
        """
        if not self.claim_sets:
            return (tuple(range(len(self.claims))),)
        by_id = {claim.id: index for index, claim in enumerate(self.claims)}
        return tuple(tuple(by_id[name] for name in option) for option in self.claim_sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSet:
    """Alternative combinations of credential queries (§6.2)."""

    options: tuple[tuple[str, ...], ...]
    required: bool = True

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of `credential_sets`."""
        members = Members(value, what=what)
        return cls(
            options=members.array("options", _read_ids, max_items=_MAX_OPTIONS),
            required=members.flag("required", default=True),
        )

    def to_json(self) -> dict[str, Json]:
        """Write one element of `credential_sets`."""
        return without_absent(
            options=[list(option) for option in self.options], required=None if self.required else False
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a verifier asks for (§6).

    Attributes:
        credentials: at least one; all are wanted if there are no sets.
        credential_sets: which combinations satisfy.
    """

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSet, ...] = ()

    @classmethod
    def parse(cls, value: Json) -> Self:
        """Read a `dcql_query`; members that the standard does not define are ignored, as it says (§6).

        Raises:
            Malformed: it is no DCQL query.
        """
        members = Members(value, what=_WHAT)
        query = cls(
            credentials=members.array("credentials", CredentialQuery.parse, max_items=_MAX_CREDENTIALS),
            credential_sets=members.optional_array("credential_sets", CredentialSet.parse, max_items=_MAX_SETS),
        )
        if sum(len(credential.claims) for credential in query.credentials) > _MAX_ALL_CLAIMS:
            raise Malformed(_WHAT, f"it asks for more than {_MAX_ALL_CLAIMS} claims in all")
        query.check_ids()
        return query

    def check_ids(self) -> None:
        """Check the ids of credential queries: unique, and all there that `credential_sets` name (§6.1, §6.2).

        Raises:
            Malformed: they are not.
        """
        ids = {credential.id for credential in self.credentials}
        if len(ids) != len(self.credentials):
            raise Malformed(_WHAT, "two credential queries have the same id")
        if not {name for group in self.credential_sets for option in group.options for name in option} <= ids:
            raise Malformed(_WHAT, "`credential_sets` names a credential query that is not in `credentials`")

    def to_json(self) -> dict[str, Json]:
        """Write the `dcql_query`."""
        return without_absent(
            credentials=[credential.to_json() for credential in self.credentials],
            credential_sets=[group.to_json() for group in self.credential_sets],
        )

    def find(self, query_id: str) -> CredentialQuery | None:
        """The credential query of this id, or None."""
        return next((credential for credential in self.credentials if credential.id == query_id), None)

    def vct_values(self) -> frozenset[str]:
        """Every type of SD-JWT VC that is asked for anywhere in the query."""
        return frozenset(vct for credential in self.credentials for vct in credential.vct_values)


@dataclass(frozen=True, slots=True)
class Values:
    """The `values` of a claim query, ready to be compared with many holdings in no time, however many they are."""

    _typed: frozenset[tuple[type, Value]]

    @classmethod
    def of(cls, claim: ClaimQuery) -> Self:
        """Take the values of a claim query."""
        return cls(frozenset((type(value), value) for value in claim.values))

    def match(self, actual: Json) -> bool:
        """Whether a claim is one of them, in type and value (§6.3): `true` is not 1, and "1" is not 1."""
        return not self._typed or (isinstance(actual, str | int) and (type(actual), actual) in self._typed)


def _read_value(value: Json, what: str) -> Value:
    if isinstance(value, str):
        return value if not value else check_text(value, what=what, lines=True)
    if isinstance(value, int):
        return value
    raise Malformed(what, "it is neither a string nor an integer nor a boolean")


def _read_ids(value: Json, what: str) -> tuple[str, ...]:
    items = check_items(value, what=what, max_items=_MAX_CLAIMS)
    return tuple(check_text(item, what=what, pattern=_ID) for item in items)


def _read_alternatives(meta: Members, *, required: bool) -> tuple[tuple[str, ...], ...]:
    if required:
        meta.required("type_values")
    return meta.optional_array("type_values", _read_types, max_items=_MAX_TYPES)


def _read_types(value: Json, what: str) -> tuple[str, ...]:
    items = check_items(value, what=what, max_items=_MAX_TYPES)
    return tuple(check_text(item, what=what) for item in items)
