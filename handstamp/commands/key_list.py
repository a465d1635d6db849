"""What `keys import`, `keys list` and `keys rotate` take and say, for co-op and site alike."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.table import Column, Table

from credentials.dids import read_multikey
from credentials.errors import OperatorError
from credentials.keys.certificates import load_chain_pem
from credentials.keys.jwk import PublicKey
from handstamp.commands.issuer_shared import console, print_json
from plumbing.clock import epoch_s
from plumbing.key_rings import Ring, RingKey
from plumbing.key_turning import KeyTurner
from plumbing.keystore import KeyStore

if TYPE_CHECKING:
    from credentials.encoding.strict_json import Json

KeyFile = Annotated[
    Path, typer.Option("--key", exists=True, dir_okay=False, help="The private key (P-256, P-384 or Ed25519, PEM).")
]
ChainFile = Annotated[
    Path, typer.Option("--chain", exists=True, dir_okay=False, help="Its certificates (PEM, leaf first).")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", exists=True, dir_okay=False, help="Holds the key's password, if it has one."),
]
AtOnce = Annotated[bool, typer.Option("--at-once", help="Use it now, without letting others read it first.")]
Stolen = Annotated[
    bool, typer.Option("--stolen", help="The old key is in wrong hands: drop it now, with all that it signed.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]


class CertificateOfAnotherHost(OperatorError):
    """A certificate to import is not for the host that the settings name."""

    code = "certificate_of_another_host"

    def __init__(self, names: tuple[str, ...], host: str) -> None:
        super().__init__(
            f"This certificate is for {', '.join(names) or 'no host'} and not for {host}, as the settings have it. "
            "Nothing was installed; give the certificate of that host, or set base_url right first."
        )


def read_chain_for(base_url: str, chain: Path) -> bytes:
    """Read certificates that shall speak for a service.

    Raises:
        CertificateOfAnotherHost: the first of them is for other hosts: with it nobody would take what is signed.
        Malformed: they cannot be read.
    """
    pem, host = chain.read_bytes(), urlsplit(base_url).hostname or ""
    found = load_chain_pem(pem)
    if host not in found.lower_dns_names:
        raise CertificateOfAnotherHost(found.dns_names, host)
    return pem


def print_keys(keys: KeyStore, names: Mapping[str, str], *, at: datetime, as_json: bool) -> None:
    """Print every key of a folder: what it is for, its public half, and how it stands.

    Args:
        keys: the folder.
        names: what each name stands for, in words.
        at: now.
        as_json: for scripts.
    """
    rings = {name: ring for name in names if (ring := _ring(keys, name)) is not None}
    rows = [
        (name, names[name], each, _standing(ring, each, epoch_s(at)))
        for name, ring in rings.items()
        for each in ring.published(epoch_s(at))
    ]
    if as_json:
        listed: list[Json] = [
            {
                "name": name,
                "public": each.public,
                "fingerprint": _fingerprint(each.public),
                "starts": each.starts_s,
                "ends": each.ends_s,
                "standing": said,
            }
            for name, _, each, said in rows
        ]
        print_json(listed)
        return
    table = Table(Column("Signs or fences", overflow="fold"), Column("Key", no_wrap=True), "How it stands", box=None)
    for _, words, each, said in rows:
        table.add_row(words, escape(_fingerprint(each.public) or _short(each.public)), said)
    out = console()
    if rows:
        out.print(table)
    missing = [words for name, words in names.items() if name not in rings]
    if missing:
        out.print(f"Not there yet (made when the service first starts): {'; '.join(missing)}.", soft_wrap=True)


def tidy_and_say(turner: KeyTurner, words: str, *, at: datetime) -> None:
    """Remove what is out of use, and print what was done."""
    turner.tidy(at=at)
    console().print(words, soft_wrap=True)


def moment(seconds: int) -> str:
    """Write a moment for people."""
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y, %H:%M} UTC"


def _standing(ring: Ring, key: RingKey, at_s: int) -> str:
    if key is ring.current(at_s):
        return "in use"
    if key.starts_s is None:
        return "told to others, waits for `keys use`"
    if not key.has_started(at_s):
        return f"told to others, used from {moment(key.starts_s)}"
    still = "still told to others" if key.public else "still taken"  # a secret is told to nobody
    return still if key.ends_s is None else f"{still} until {moment(key.ends_s)}"


def _ring(keys: KeyStore, name: str) -> Ring | None:
    """The keys that go by a name, also if it never turned; None before its first key is made."""
    ring = keys.rings().get(name)
    if ring is None and (lone := keys.lone(name)) is not None:
        return Ring((lone,))
    return ring


def _fingerprint(public: str) -> str | None:
    """What `keys show` says of a key, and whoever trusts it compares; keys of proofs have one for all of them."""
    key = read_multikey(public, what="key") if public else None
    return key.thumbprint if isinstance(key, PublicKey) else None


def _short(public: str) -> str:
    return f"{public[:12]}…{public[-6:]}" if public else "a secret"
