"""What stands in the way of a connection, and what to do: httpx says `ConnectError` of them all."""

import ssl
from collections.abc import Iterator
from typing import Final

_LATER: Final = "try again later"

# What OpenSSL found first (X509_V_ERR_*), in words, and what mends it.
_CERTIFICATES: Final = {
    9: ("its TLS certificate is not valid yet", "see whether the clock of this machine is right"),
    10: ("its TLS certificate has expired", "its operator has to renew it; see whether the clock here is right"),
    62: ("its TLS certificate is for another host", "see whether the address is right, or tell its operator"),
    64: ("its TLS certificate is for another host", "use the name that the certificate names, or tell its operator"),
}
_UNKNOWN: Final = (
    "its TLS certificate is of an authority that is not trusted here ({})",
    "if you do trust that authority, name a file with its certificate in SSL_CERT_FILE, else tell its operator",
)


def explain_unreached(error: BaseException) -> tuple[str, str]:
    """Return why no connection came about, from what an error of httpx goes back to, and what to do."""
    for cause in _go_back(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason, mend = _CERTIFICATES.get(cause.verify_code, _UNKNOWN)
            return reason.format(cause.verify_message), mend
        if isinstance(cause, ssl.SSLError):
            return f"TLS could not be agreed on ({cause.reason or 'it ended the handshake'})", _LATER
    return "nobody answers there", _LATER


def _go_back(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
