"""Issuing and verifying SD-JWT VCs, beside raw P-256 of the `cryptography` library."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.measure import Figure, Goal, Rate, measure_rates
from benchmarks.statuses import Statuses
from credentials.evidence import Verified
from credentials.keys.certificates import load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import build_presentation, build_sd_jwt_vc, parse_sd_jwt
from credentials.status import StatusList, verify_status_list
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify
from schemas import TRACK_OWNERSHIP

_CLAIMS: Final = 10
_PRESENTATIONS: Final = 64
_HOST: Final = "coop.example"
_AUDIENCE: Final = "x509_san_dns:site.example"
_NOW: Final = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_MONTH_S: Final = int(_NOW.replace(day=1, hour=0).timestamp())
# As long as what is really signed: header and payload of a credential with its certificate.
_RAW_BYTES: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A co-op with a certificate and a list of statuses, and a site that trusts the co-op's authority."""

    issuer: LocalSigner
    x5c: list[str]
    policy: TrustPolicy
    statuses: Statuses
    lists: Mapping[str, StatusList]

    @classmethod
    def build(cls) -> Self:
        """Make all keys and certificates anew."""
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        leaf = authority.issue_cert(_HOST, key_type=trustme.KeyType.ECDSA)
        trusted = TrustedIssuer(
            issuer=f"https://{_HOST}",
            name="Co-op",
            anchors=(authority.cert_pem.bytes(),),
            types=frozenset({TRACK_OWNERSHIP.vct}),
        )
        issuer = LocalSigner.from_pem(leaf.private_key_pem.bytes(), None)
        x5c = load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c()
        statuses = Statuses.build(issuer=trusted.issuer, signer=issuer, x5c=x5c, now=_NOW)
        listed = verify_status_list(statuses.token, uri=statuses.uri, issuer=trusted, at=_NOW)
        return cls(
            issuer=issuer,
            x5c=x5c,
            policy=TrustPolicy((trusted,)),
            statuses=statuses,
            lists={statuses.uri: listed},
        )

    def issue(self, holder: LocalSigner) -> str:
        """Issue a credential with ten claims, two decoys and a status."""
        example = TRACK_OWNERSHIP.example
        claims = {name: example[name] for name in TRACK_OWNERSHIP.claim_names}
        claims |= {f"further{number}": "A text as long as a title" for number in range(_CLAIMS - len(claims))}
        return build_sd_jwt_vc(
            vct=TRACK_OWNERSHIP.vct,
            issuer=f"https://{_HOST}",
            holder_key=holder.public_key,
            issued_at=_MONTH_S,
            disclosable=claims,
            digest_count=TRACK_OWNERSHIP.digest_count,
            signer=self.issuer,
            x5c=self.x5c,
            random=secrets.token_bytes,
            status=self.statuses.draw(),
        )

    def present(self, nonce: str) -> str:
        """Present a fresh credential of a fresh holder, two claims of it, as a gate for a track asks."""
        holder = LocalSigner.generate()
        return build_presentation(
            parse_sd_jwt(self.issue(holder)),
            disclose=("track", "name"),
            nonce=nonce,
            audience=_AUDIENCE,
            issued_at=int(_NOW.timestamp()),
            signer=holder,
        )

    def verify(self, presentation: str, nonce: str) -> Verified:
        """Verify through all thirteen steps."""
        return verify(presentation, policy=self.policy, audience=_AUDIENCE, nonce=nonce, at=_NOW, statuses=self.lists)


def raw_actions() -> Mapping[str, Callable[[], object]]:
    """Sign and verify 2,000 bytes by ES256, with nothing around it."""
    key, data, algorithm = (
        ec.generate_private_key(ec.SECP256R1()),
        secrets.token_bytes(_RAW_BYTES),
        ec.ECDSA(hashes.SHA256()),
    )
    public, signature = key.public_key(), key.sign(data, algorithm)
    return {
        "sign": lambda: key.sign(data, algorithm),
        "verify": lambda: public.verify(signature, data, algorithm),
    }


def measure_kernel(*, rounds: int, seconds: float) -> list[Figure]:
    """Measure; return the lines of the table."""
    kernel, nonce = Kernel.build(), secrets.token_urlsafe(32)
    # A credential and a holder of its own each time, as at a gate: what is remembered of certificates helps, nothing
    # else can. Keys are named again too late for their thumbprints to be still at hand.
    presentations = [kernel.present(nonce) for _ in range(_PRESENTATIONS)]
    holder = LocalSigner.generate()
    turn = iter(range(10**9))
    actions = {
        **raw_actions(),
        "issue": lambda: kernel.issue(holder),
        "pipeline": lambda: kernel.verify(presentations[next(turn) % _PRESENTATIONS], nonce),
    }
    rates = measure_rates(actions, rounds=rounds, seconds=seconds)
    return [
        _line("Raw P-256 signing", rates["sign"], None),
        _line("Raw P-256 verification", rates["verify"], None),
        _line(f"Issue an SD-JWT VC of {_CLAIMS} claims", rates["issue"], ("raw signing", rates["sign"]), 0.15),
        _line(
            "Verify one with key binding, whole pipeline",
            rates["pipeline"],
            ("two raw verifications", rates["verify"] * 0.5),
            0.45,
        ),
    ]


def _line(name: str, rate: Rate, limit: tuple[str, Rate] | None, least: float | None = None) -> Figure:
    words = f"{limit[0]}: {limit[1]}" if limit else "is a limit itself"
    ratio = rate.beside(limit[1]) if limit else 1.0
    return Figure(
        name=name,
        rate=str(rate),
        limit=words,
        ratio=f"{ratio:.2f}" if limit else "",
        value=ratio,
        goal=None if least is None else Goal(value=least),
    )
