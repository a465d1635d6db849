"""A site looks up whether an artist was taken back in the lists that it keeps anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.dids.did_key import build_did_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import build_public_credential
from credentials.months import start_of_month
from credentials.status import PackedStatuses
from credentials.status.bitstring import BitstringEntry
from schemas import VERIFIED_ARTIST
from tests.verifier.conftest import OTHER_RELEASE, make_gate
from tests.verifier.linked import LinkedCoop, answer_form, present, trust
from tests.verifier.lists import LISTS, Host
from tests.verifier.test_linked import asked_at
from verifier.proofs import SpeaksFor

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.verifier.conftest import Site


async def test_an_artist_who_was_taken_back_is_refused_and_another_is_not(site: Site, trackserver: FastAPI) -> None:
    host = Host(clock=site.clock, signer=site.coop.signer, x5c=site.coop.x5c, app=trackserver)
    host.statuses[LISTS[0]] = PackedStatuses.all_valid(131_072)
    host.revoke(7)
    coop, signer, artist = LinkedCoop(), LocalSigner.generate(KeyKind.ED25519), LocalSigner.generate()
    method = f"{coop.did}#{signer.public_key.multikey}"
    own = frozenset({site.coop.signer.public_key.thumbprint})
    trust(site, coop, public_keys={method: signer.public_key}, keys=own)
    gate = site.save_gate(make_gate(SpeaksFor(persona=OTHER_RELEASE, name="The Long Way Home"), clock=site.clock))
    words = []
    for index in (8, 7):
        document = build_public_credential(
            VERIFIED_ARTIST,
            issuer_did=coop.did,
            month_start=start_of_month(site.clock()),
            claims=VERIFIED_ARTIST.example | {"persona": OTHER_RELEASE},
            subject_id=build_did_key(artist.public_key),
            status=BitstringEntry(uri=LISTS[0], index=index).to_json(),
        )
        published = eddsa_rdfc_2022.add_proof(document, signer=signer, verification_method=method)
        visitor, request = await asked_at(site, gate)
        shown = present(request, published, signer=artist)
        reply = await visitor.send(request, answer_form(request, artist_vp=shown))
        words.append(reply.json().get("code", "open"))
    assert words == ["open", "credential_revoked"]
    assert host.lists_asked() == ["statuslists/first"]
