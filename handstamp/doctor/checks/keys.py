"""What can be wrong with a service's keys and certificates. A missing key is no fault: the next start makes it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID

from credentials.errors import HandstampError
from credentials.keys.certificates import CertificateChain
from credentials.protocols.openid4vp import Prefix
from handstamp.backup.making import KEY_FILE
from handstamp.composition.issuer import KEY_NAME
from handstamp.composition.verifier import REQUEST_KEY
from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.checks.files import is_open_to
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, warning

_OTHERS: Final = 0o077
_SOON: Final = timedelta(days=21)
_SIGN: Final = ("issuer", "verifier")
_DAY_S: Final = 86_400
_PREFIXES: Final = (Prefix.X509_SAN_DNS, Prefix.X509_HASH)


def key_files(case: Case) -> Sequence[Path]:
    """Return the files of private keys and secrets."""
    folder = case.folder / "keys"
    found = [*folder.glob("*.pem"), *folder.glob("*.bbs"), *folder.glob("*.secret")]
    return sorted(path for path in found if not path.name.endswith(".chain.pem"))


def certified_name(case: Case) -> str | None:
    """Return the name of the key that needs a certificate, None if none does."""
    if case.role == "issuer":
        return KEY_NAME
    return REQUEST_KEY if case.settings.verifier.client_id_prefix in _PREFIXES else None


def chain_of(case: Case) -> CertificateChain:
    """Return the certificates in use.

    Raises:
        NotToBeSeen: there are none, or none that can be read: kinds of their own say so.
    """
    name = certified_name(case)
    try:
        chain = case.keys.chain(name) if name else None
    except (HandstampError, OSError) as refused:
        raise NotToBeSeen from refused
    if chain is None:
        raise NotToBeSeen
    return chain


def _readable(case: Case) -> Iterator[Finding]:
    for path in key_files(case):
        if is_open_to(path, _OTHERS):
            yield error(
                "Others on this machine may read this key; the service refuses it.",
                where=path,
                do=f"Run: chmod 600 '{path}'. If others were there, exchange the key (docs/operations.md).",
            )


def _key_file_readable(case: Case) -> Iterable[Finding]:
    path = case.folder / "keys" / KEY_FILE
    if is_open_to(path, _OTHERS):
        yield error(
            "Others on this machine may read what encrypts all keys of this folder; the service refuses it.",
            where=path,
            do=f"Run: chmod 600 '{path}'. If others were there, exchange the keys (docs/operations.md).",
        )


def _key_file_missing(case: Case) -> Iterable[Finding]:
    path = case.folder / "keys" / KEY_FILE
    if not path.exists() and any(each.suffix != ".secret" for each in key_files(case)):
        yield error(
            "What encrypts the keys of this folder is missing, so none of them can be used.",
            where=path,
            do="Bring it back from where it is kept (mode 0600) before anything is started.",
        )


def _unreadable(case: Case) -> Iterator[Finding]:
    kek = case.folder / "keys" / KEY_FILE
    if not kek.is_file():
        return
    for path in key_files(case):
        if not is_open_to(path, _OTHERS) and not _opens(case, path, kek.read_bytes()):
            yield error(
                "This key is damaged, or was encrypted with another key-encryption file.",
                where=path,
                do="Bring both files back from one backup; a key that is lost must be exchanged (docs/operations.md).",
            )


def _opens(case: Case, path: Path, kek: bytes) -> bool:
    try:
        if path.suffix == ".pem":
            load_pem_private_key(path.read_bytes(), kek)
        elif path.suffix == ".bbs":
            case.keys.bbs_key(path.stem)
        else:
            return path.stat().st_size > 0
    except (HandstampError, ValueError, TypeError, UnsupportedAlgorithm, OSError):
        return False
    return True


def _missing(case: Case) -> Iterable[Finding]:
    name = certified_name(case)
    if name and case.folder.is_dir() and not any((case.folder / "keys").glob(f"{name}*.chain.pem")):
        yield error(
            f"There is no certificate for {case.host}, so the service does not start: nobody would believe what it "
            "signs.",
            where=case.folder / "keys" / f"{name}.chain.pem",
            do=f"Run: handstamp {case.role} keys import --key KEY.pem --chain FULLCHAIN.pem",
        )


def _unparsed(case: Case) -> Iterable[Finding]:
    name = certified_name(case)
    if not os.access(case.folder, os.X_OK):
        return
    try:
        if name:
            case.keys.chain(name)
    except (HandstampError, OSError) as refused:
        detail = refused.detail if isinstance(refused, HandstampError) else str(refused)
        yield error(
            f"The certificates cannot be read: {detail.rstrip('.')}.",
            where=case.folder / "keys" / f"{name}.chain.pem",
            do=f"Import them anew: handstamp {case.role} keys import --key KEY.pem --chain FULLCHAIN.pem",
        )


def _ended(case: Case) -> Iterable[Finding]:
    chain = chain_of(case)
    if case.now > chain.ends:
        yield error(
            f"The certificate that vouches for what is signed ended on {chain.ends:%d %B %Y}; everybody refuses it.",
            where=f"{case.folder / 'keys'}",
            do=f"Renew it and import it: handstamp {case.role} keys import --key KEY.pem --chain FULLCHAIN.pem",
        )
    elif case.now < chain.starts:
        yield error(
            f"The certificate that vouches for what is signed begins only on {chain.starts:%d %B %Y}.",
            where=f"{case.folder / 'keys'}",
            do="Look whether this machine's clock is right, or import a certificate that counts today.",
        )


def _ends_soon(case: Case) -> Iterable[Finding]:
    chain = chain_of(case)
    if case.now <= chain.ends < case.now + _SOON:
        yield warning(
            f"The certificate that vouches for what is signed ends in {(chain.ends - case.now).days} days.",
            where=f"{case.folder / 'keys'}",
            do=f"Renew it and import it: handstamp {case.role} keys import --key KEY.pem --chain FULLCHAIN.pem",
        )


def _wrong_host(case: Case) -> Iterable[Finding]:
    chain = chain_of(case)
    if case.host.lower() not in (name.lower() for name in chain.dns_names):
        yield error(
            f"The certificate is for {', '.join(chain.dns_names) or 'no host'} and not for {case.host}; a name with a "
            "star does not count.",
            where=f"{case.setting}base_url",
            do="Correct base_url, or import a certificate that names the host.",
        )


def _wrong_key(case: Case) -> Iterable[Finding]:
    chain, name = chain_of(case), certified_name(case)
    if name is None or not (case.folder / "keys" / KEY_FILE).is_file() or not key_files(case):
        return
    try:
        signer = case.keys.signer(name) if any(path.stem.startswith(name) for path in key_files(case)) else None
    except HandstampError:
        return  # a kind of its own says so
    if signer is not None and signer.public_key.thumbprint != chain.leaf_key.thumbprint:
        yield error(
            "The certificate belongs to another key than the one that signs; everybody refuses what is signed.",
            where=case.folder / "keys" / f"{name}.chain.pem",
            do=f"Import key and certificates together: handstamp {case.role} keys import --key KEY.pem --chain "
            "FULLCHAIN.pem",
        )


def _self_signed(case: Case) -> Iterable[Finding]:
    if chain_of(case).self_signed:
        yield error(
            "The certificate signed itself; no wallet and no site accepts that.",
            where=f"{case.folder / 'keys'}",
            do="Take one that an authority signed: that of the public address's TLS will do.",
        )


def _incomplete(case: Case) -> Iterable[Finding]:
    chain = chain_of(case)
    last = chain.certificates[-1]
    if not chain.is_straight:
        wrong = "The certificates do not follow each other, each signed by the next"
    elif _names_its_signer(last) and not case.web.trusts(last.issuer):
        signer = last.issuer.rfc4514_string()[:120]
        wrong = f"The certificates end before an authority that is known here: that of {signer} is missing"
    else:
        return
    yield warning(
        f"{wrong}. Wallets cannot find it by themselves, and refuse.",
        where=f"{case.folder / 'keys'}",
        do=f"Import the whole chain: handstamp {case.role} keys import --key KEY.pem --chain FULLCHAIN.pem",
    )


def _names_its_signer(certificate: x509.Certificate) -> bool:
    """Tell whether it says where its signer's certificate is, as those of public authorities do."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return any(each.access_method == AuthorityInformationAccessOID.CA_ISSUERS for each in found)


def _waits(case: Case) -> Iterator[Finding]:
    try:
        rings = case.keys.rings()
    except HandstampError:
        return
    for each in (each for ring in rings.values() for each in ring.keys if each.starts_s is None):
        made = (case.folder / "keys" / f"{each.file}.pem").stat().st_mtime
        days = int((case.now.timestamp() - made) // _DAY_S)
        if days:
            yield warning(
                f"A new key has waited for {days} days to be used: an exchange was begun and not ended.",
                where=case.folder / "keys" / f"{each.file}.pem",
                do="Let the trackservers pin it (`handstamp tracks allow SITE --again` there), then: handstamp "
                "verifier keys use",
            )


KINDS: Final = (
    Kind(id="key_readable", title="Key readable by others", roles=SERVICES, look=_readable),
    Kind(
        id="key_file_readable", title="Key-encryption file readable by others", roles=SERVICES, look=_key_file_readable
    ),
    Kind(id="key_file_missing", title="Key-encryption file missing", roles=SERVICES, look=_key_file_missing),
    Kind(id="key_unusable", title="Key damaged or of another folder", roles=SERVICES, look=_unreadable),
    Kind(id="certificate_missing", title="No signing certificate", roles=_SIGN, look=_missing),
    Kind(id="certificate_unreadable", title="Signing certificate unreadable", roles=_SIGN, look=_unparsed),
    Kind(id="certificate_ended", title="Signing certificate expired or not begun", roles=_SIGN, look=_ended),
    Kind(id="certificate_ends_soon", title="Signing certificate ends soon", roles=_SIGN, look=_ends_soon),
    Kind(id="certificate_wrong_host", title="Signing certificate of another host", roles=_SIGN, look=_wrong_host),
    Kind(id="certificate_wrong_key", title="Signing certificate of another key", roles=_SIGN, look=_wrong_key),
    Kind(id="certificate_incomplete", title="Signing chain incomplete", roles=_SIGN, look=_incomplete),
    Kind(id="key_waits", title="An exchange of keys was not ended", roles=("verifier",), look=_waits),
    Kind(id="certificate_self_signed", title="Signing certificate signed by itself", roles=_SIGN, look=_self_signed),
)
