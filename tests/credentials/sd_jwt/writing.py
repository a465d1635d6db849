"""What the tests of SD-JWTs have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credentials.encoding import base64url
from credentials.encoding.strict_json import dump
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import SdJwt, parse_sd_jwt
from credentials.sd_jwt.disclosure import digest_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNER = LocalSigner.generate()
SALT = "_26bc4LT-ac6q2KI6cBW5es"


def disclose(*parts: Any) -> tuple[str, str]:
    """Write a disclosure of any shape; return it and its digest."""
    encoded = base64url.encode(dump(list(parts)))
    return encoded, digest_sha256(encoded)


def read(claims: Mapping[str, Any], *disclosures: str) -> SdJwt:
    return parse_sd_jwt("".join(f"{part}~" for part in (sign_jws({}, claims, SIGNER), *disclosures)))
