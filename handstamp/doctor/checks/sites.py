"""What can be wrong between a site, the co-ops it trusts and a trackserver: trust, keys, gates, releases."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from credentials.protocols.urls import build_well_known_url
from credentials.trust import TrustedIssuer, TrustPolicy
from handstamp.doctor.case import Case
from handstamp.doctor.checks.asking import KEY_DOCUMENT, MOST_ASKED, OK, ask_releases, kids_of
from handstamp.doctor.kinds import TRACKSERVER, VERIFIER, Finding, Kind, error, note, warning
from schemas import CONTRIBUTION, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from verifier.gates import Gate
from verifier.proofs import AllOf, Contributed, MemberOf, OwnsRelease, OwnsTrack, Proof, proofs_of

_NEARLY_OVER: Final = timedelta(hours=6)
_BATCHES: Final = 6
_STALE: Final = timedelta(hours=1)
_RELEASES: Final = "SELECT DISTINCT source_url FROM release ORDER BY source_url"
_LISTS: Final = "/statuslists"


def _read_gates(case: Case) -> tuple[tuple[Gate, ...], TrustPolicy]:
    site = case.settings.verifier.site
    with case.stores(site) as stores:
        return tuple(gate for gate in stores.load_gates(site) if gate.closed_at is None), stores.load_policy(site)


def _no_coop(case: Case) -> Iterable[Finding]:
    gates, policy = _read_gates(case)
    if not policy.issuers:
        yield (error if gates else note)(
            f"This site trusts no co-op, so nobody passes its {len(gates)} gates.",
            where="verifier trusted",
            do="Run: handstamp verifier trust https://COOP, and compare the fingerprint.",
        )


def _gate_without_coop(case: Case) -> Iterator[Finding]:
    gates, policy = _read_gates(case)
    for gate in gates if policy.issuers else ():
        passable = [any(_vouches(coop, proof) for coop in policy.issuers) for proof in proofs_of(gate.requirement)]
        enough = all(passable) if isinstance(gate.requirement, AllOf) else any(passable)
        if not enough:
            yield error(
                "No co-op that this site trusts may say what this gate asks for, so nobody passes.",
                where=f"gate {gate.gate_id}",
                do="Trust the co-op that says it (`handstamp verifier trust`), or close the gate (`handstamp gate "
                "close`).",
            )


def _vouches(coop: TrustedIssuer, proof: Proof) -> bool:
    match proof:
        case OwnsRelease():
            return RELEASE_OWNERSHIP.vct in coop.types
        case OwnsTrack():
            return bool({TRACK_OWNERSHIP.vct, RELEASE_OWNERSHIP.vct} & coop.types)
        case MemberOf(coop=named):
            return named in {coop.issuer, coop.did} and COOP_MEMBERSHIP.vct in coop.types
        case Contributed(coop=named):
            return named in {coop.issuer, coop.did} and CONTRIBUTION.vct in coop.types
        case _:
            return VERIFIED_ARTIST.vct in coop.types


async def _coop_keys(case: Case) -> Iterable[Finding]:
    found = []
    for coop in _read_gates(case)[1].issuers:
        if not coop.issuer.startswith("http"):
            continue
        url = build_well_known_url(coop.issuer, KEY_DOCUMENT)
        answer = await case.web.ask("GET", url)
        if isinstance(answer, str) or answer.status != OK:
            found.append(
                warning(
                    "A co-op that this site trusts does not answer: "
                    f"{answer if isinstance(answer, str) else answer.status}.",
                    where=url,
                    do="Ask the co-op. Until then gates go by the status lists that are kept here, as long as those "
                    "last.",
                )
            )
        elif coop.keys and not coop.anchors and not coop.keys & kids_of(answer):
            found.append(
                error(
                    "A co-op signs with another key than the one that was pinned here, so its records are refused.",
                    where=coop.issuer,
                    do=f"Ask the co-op for its fingerprint, then: handstamp verifier trust {coop.issuer}",
                )
            )
    return found


def _lists_stale(case: Case) -> Iterable[Finding]:
    since = int((case.now - _STALE).timestamp())
    ((stale,),) = case.rows("SELECT count(*) FROM status_lists WHERE fetch_after < :since", since=since)
    if stale:
        yield warning(
            f"{stale} status lists that are kept here were due to be fetched more than an hour ago.",
            where="the site's status lists",
            do="Start the service; if it runs, look at its log for why the co-op cannot be asked.",
        )


def _coop_list_ended(case: Case) -> Iterator[Finding]:
    with case.stores(case.settings.verifier.site) as stores:
        followed = stores.load_subscriptions(case.settings.verifier.site)
    for each in followed:
        if case.now >= each.coop_list.expires_at:
            yield error(
                f"The list of co-ops ended on {each.coop_list.expires_at:%d %B %Y}; whom it names is trusted no "
                "longer.",
                where=each.url,
                do="Run `handstamp verifier refresh`, and ask its publisher for a new one.",
            )


async def _gate_release(case: Case) -> Iterable[Finding]:
    urls = sorted({f"{gate.opens.trackserver}/releases/{gate.opens.release_id}" for gate in _read_gates(case)[0]})
    return await ask_releases(case, urls, whose="a gate opens")


def _nobody_allowed(case: Case) -> Iterable[Finding]:
    ((releases,),), ((pins,),) = (
        case.rows("SELECT count(*) FROM release"),
        case.rows("SELECT count(*) FROM allowed_verifier"),
    )
    if releases and not pins:
        yield error(
            f"No site may let anybody in to any of the {releases} releases.",
            where="the trackserver's permissions",
            do="Run: handstamp tracks allow https://SITE --release ID",
        )


async def _verifier_keys(case: Case) -> Iterable[Finding]:
    pinned: dict[str, set[str]] = {}
    for issuer, kid in case.rows("SELECT DISTINCT issuer, kid FROM allowed_verifier ORDER BY issuer"):
        pinned.setdefault(str(issuer), set()).add(str(kid))
    found = []
    for issuer, kids in list(pinned.items())[:MOST_ASKED]:
        answer = await case.web.ask("GET", f"{issuer}/.well-known/jwks.json")
        if not isinstance(answer, str) and answer.status == OK and not kids_of(answer) <= kids:
            found.append(
                error(
                    "A site states a key that is not pinned here: what it grants with it is refused.",
                    where=issuer,
                    do=f"Ask the site for its fingerprint, then: handstamp tracks allow {issuer} --release ID",
                )
            )
    return found


def _audio(case: Case) -> Iterable[Finding]:
    missing = [name for name in ("mutagen", "av") if not case.machine.has_module(name)]
    if missing:
        yield warning(
            f"{' and '.join(missing)} are not installed, so no release can be added; what was added is handed out.",
            where="the extra `audio`",
            do="Run: pip install 'handstamp[audio]'",
        )


KINDS: Final = (
    Kind(id="coops_none", title="No co-op is trusted", roles=VERIFIER, look=_no_coop),
    Kind(id="gate_unpassable", title="A gate that nobody can pass", roles=VERIFIER, look=_gate_without_coop),
    Kind(id="coop_keys_changed", title="A co-op changed its key, or is silent", roles=VERIFIER, ask=_coop_keys),
    Kind(id="lists_stale", title="Kept status lists are stale", roles=VERIFIER, look=_lists_stale),
    Kind(id="coop_list_ended", title="A followed list of co-ops ended", roles=VERIFIER, look=_coop_list_ended),
    Kind(id="gate_release_gone", title="A gate opens what is gone", roles=VERIFIER, ask=_gate_release),
    Kind(id="sites_none", title="No site may open anything", roles=TRACKSERVER, look=_nobody_allowed),
    Kind(id="site_keys_changed", title="A site changed its key", roles=TRACKSERVER, ask=_verifier_keys),
    Kind(id="audio_missing", title="The extra for audio is missing", roles=TRACKSERVER, look=_audio),
)
