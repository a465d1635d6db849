"""`handstamp issuer keys`: the co-op's keys and certificates, and how they are exchanged while it serves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import typer

from credentials.keys.certificates import CertificateChain, load_chain_pem
from credentials.keys.kinds import KeyKind
from credentials.linked_credential import OVERLAP_DAYS
from credentials.months import months_after, start_of_month
from handstamp.commands.issuer_shared import AsJson, console
from handstamp.commands.key_list import (
    AtOnce,
    ChainFile,
    KeyFile,
    PasswordFile,
    Stolen,
    Yes,
    moment,
    print_keys,
    read_chain_for,
    tidy_and_say,
)
from handstamp.composition.issuer import (
    FORM_KEYS,
    KEY_NAME,
    OFFER_KEYS,
    PUBLISHING_KEY_NAME,
    bbs_name,
    build_identity,
    issuer_keys,
)
from handstamp.settings import load_settings
from plumbing.clock import system_clock
from plumbing.key_turning import LEAD, Exchange, KeyTurner
from plumbing.keystore import KeyStore
from schemas import ALL

app = typer.Typer(no_args_is_help=True)
_NAMES: Final = {
    KEY_NAME: "records and status lists",
    **{bbs_name(kind.configuration_id): f"proofs, {kind.configuration_id}" for kind in ALL},
    PUBLISHING_KEY_NAME: "what is published",
    OFFER_KEYS: "codes of offers",
    FORM_KEYS: "forms",
}
_SECRETS_KEPT: Final = timedelta(days=1)
_BEFORE_THE_END: Final = timedelta(minutes=5)
_PROOFS_COST: Final = (
    "Every proof and door pass under the old keys is refused from the next reading on. Wallets take nothing under the "
    "new keys before the next month; until then listeners have their single-use copies. Sites that know you by your "
    "DID or a list read the new keys within the hour; any other site must compare and say `handstamp verifier trust` "
    "again."
)
_AT_ONCE_COST: Final = (
    "Nobody was told of this key before: a wallet that is receiving just now, and sites that read your keys hourly, "
    "refuse what it signs until they read anew. Without --at-once it is used two hours from now, and nobody notices."
)
_PUBLICATIONS_COST: Final = "Everything that artists published with your signature must be made and published again."


class What(StrEnum):
    """What can be exchanged without certificates."""

    PROOFS = "proofs"
    PUBLICATIONS = "publications"
    SECRETS = "secrets"


@app.command("import")
def import_keys(
    key: KeyFile,
    chain: ChainFile,
    password_file: PasswordFile = None,
    *,
    at_once: AtOnce = False,
    stolen: Stolen = False,
) -> None:
    """Use a key and certificate of your own. A running service takes them up by itself.

    The first certificate is used when the service starts. Any later one is told to others first and used two hours
    later, or just before the old certificate ends; what the old key signed stays good, unless it was stolen.
    """
    password = password_file.read_bytes().strip() if password_file else None
    settings, now = load_settings(), system_clock()
    keys, chain_pem = issuer_keys(settings), read_chain_for(settings.issuer.base_url, chain)
    before = keys.chain(KEY_NAME)
    if at_once and before is not None and before.ends > now and _is_another_key(before, chain_pem):
        console().print(_AT_ONCE_COST, soft_wrap=True)
    starts = now if at_once or stolen or before is None else _starts(now, before.ends)
    turner = KeyTurner(keys)
    installed = turner.install(
        KEY_NAME,
        Exchange(starts=starts, stolen=stolen),
        key_pem=key.read_bytes(),
        chain_pem=chain_pem,
        password=password,
    )
    used = "" if starts <= now else f"\nIt is told to others from now on, and used from {_at(starts)}."
    words = f"Installed, for {', '.join(installed.dns_names)}.\nFingerprint {installed.fingerprint}{used}"
    tidy_and_say(turner, words, at=now)


@app.command("show")
def show_keys(
    *,
    linked: Annotated[
        bool, typer.Option("--linked", help="The one fingerprint of all keys of linked credentials instead.")
    ] = False,
) -> None:
    """Show the fingerprint of the key that signs: whoever runs a site compares it before trusting the co-op."""
    identity = build_identity(load_settings(), at=system_clock())
    typer.echo(identity.fingerprint if linked else identity.signer.public_key.thumbprint)


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List every key: which is in use, with its fingerprint, which comes, and which are still told to others."""
    print_keys(issuer_keys(load_settings()), _NAMES, at=system_clock(), as_json=as_json)


@app.command()
def rotate(
    what: Annotated[
        What, typer.Argument(help="proofs: one key for each type; publications; or secrets, of forms and offers.")
    ],
    *,
    stolen: Stolen = False,
    yes: Yes = False,
) -> None:
    """Exchange keys that need no certificate, while the service runs.

    New keys of proofs are told to others now and used from the first second of the next month: two keys in one month
    would split the crowd that a listener hides in.
    """
    keys, now = issuer_keys(load_settings()), system_clock()
    if stolen and what is not What.SECRETS:
        console().print(_PROOFS_COST if what is What.PROOFS else _PUBLICATIONS_COST, soft_wrap=True)
        if not yes:
            typer.confirm("Exchange them now?", abort=True)
    turner = KeyTurner(keys)
    tidy_and_say(turner, _Rotation(keys=keys, turner=turner, stolen=stolen, now=now).run(what), at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rotation:
    """One run of `rotate`; it answers with what it did, in words."""

    keys: KeyStore
    turner: KeyTurner
    stolen: bool
    now: datetime

    def run(self, what: What) -> str:
        match what:
            case What.PROOFS:
                return self._proofs()
            case What.PUBLICATIONS:
                return self._publications()
            case What.SECRETS:
                return self._secrets()

    def _proofs(self) -> str:
        starts_s = months_after(start_of_month(self.now), 1)
        starts = self.now if self.stolen else datetime.fromtimestamp(starts_s, UTC)
        names = [bbs_name(kind.configuration_id) for kind in ALL]
        waiting = [name for name in names if self.stolen or not self.turner.is_turning(name, self.now)]
        for name in waiting:
            exchange = Exchange(starts=starts, kept=timedelta(days=OVERLAP_DAYS), stolen=self.stolen)
            self.turner.make_bbs_key(name, exchange)
        if self.stolen:
            return "Exchanged: proofs are signed with new keys from now on, and the old ones are gone."
        if not waiting:
            return f"Nothing to do: new keys are there already, used from {moment(starts_s)}."
        return f"New keys of proofs are told to others from now on, and used from {moment(starts_s)}."

    def _publications(self) -> str:
        if not self.stolen and self.turner.is_turning(PUBLISHING_KEY_NAME, self.now):
            return "Nothing to do: a new key is there already, and will be used soon (`handstamp issuer keys list`)."
        starts = self.now if self.stolen else self.now + LEAD
        exchange = Exchange(starts=starts, stolen=self.stolen)
        self.turner.make_signer(PUBLISHING_KEY_NAME, exchange, kind=KeyKind.ED25519)
        if self.stolen:
            return "Exchanged: what is published is signed with a new key from now on, and the old one is gone."
        return f"A new key for what is published is told to others from now on, and used from {_at(starts)}."

    def _secrets(self) -> str:
        for name in (OFFER_KEYS, FORM_KEYS):
            self.turner.make_secret(name, Exchange(starts=self.now, kept=_SECRETS_KEPT, stolen=self.stolen))
        if self.stolen:
            return "Exchanged: open offers and pages are worth nothing any more; whoever waits makes them anew."
        return "Exchanged: new offers and pages use the new secrets; those that are open go on for a day."


def _is_another_key(before: CertificateChain, chain_pem: bytes) -> bool:
    return load_chain_pem(chain_pem).leaf_key.multikey != before.leaf_key.multikey


def _starts(now: datetime, ends: datetime) -> datetime:
    """When a new certificate is used: after the lead, but before the old one ends, and never in the past."""
    return max(now, min(now + LEAD, ends - _BEFORE_THE_END))


def _at(when: datetime) -> str:
    return moment(int(when.timestamp()))
