"""Who this verifier is to others: the names that it signs with and asks under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credentials.protocols.openid4vp import build_client_id
from credentials.protocols.urls import host_of

if TYPE_CHECKING:
    from credentials.keys.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One site at one public address.

    Attributes:
        base_url: the public address, without a slash at its end; also the issuer of grants.
        site: the short name under which its rows are kept.
        name: what people read.
    """

    base_url: str
    site: str
    name: str

    @property
    def client_id(self) -> str:
        """The client identifier, proven by a certificate for the host (OpenID4VP 1.0 §5.9.3, `x509_san_dns`)."""
        return build_client_id(host_of(self.base_url))

    def gate_url(self, gate_id: str) -> str:
        """Return the stable link of a gate."""
        return f"{self.base_url}/gates/{gate_id}"

    def visit_url(self, visit_id: str) -> str:
        """Return the page of a visit."""
        return f"{self.base_url}/visits/{visit_id}"

    def request_url(self, request_id: str) -> str:
        """Return where a wallet takes the request from (`request_uri`)."""
        return f"{self.base_url}/requests/{request_id}"

    def response_url(self, request_id: str) -> str:
        """Return where a wallet sends its answer (`response_uri`)."""
        return f"{self.base_url}/responses/{request_id}"

    def return_url(self, response_code: str) -> str:
        """Return where a wallet sends the browser after an answer on the same device (`redirect_uri`)."""
        return f"{self.base_url}/return?response_code={response_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSigner:
    """The key that signs requests, with the certificates that prove whose it is (`x5c`, leaf first)."""

    signer: Signer
    x5c: tuple[str, ...]
