"""A credential that was verified on receipt is shown later without checking its signature again."""

from __future__ import annotations

import secrets

import pytest

from credentials.bbs import BbsSecretKey, ProverNym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.errors import BadProof, ProofImpossible
from tests.credentials.data_integrity.proving import (
    BASE,
    COMMITTED,
    DOMAIN,
    KEY,
    NYM,
    derive,
    issue,
    open_base,
)

SHOWN = "/credentialSubject/isrcCode"


def test_what_was_kept_is_shown_under_the_pseudonym_that_it_had_on_receipt() -> None:
    kept = bbs_2023.reopen_base(BASE, public_key=KEY, prover_nym=NYM, blind=COMMITTED.blind)
    found = [
        bbs_2023.verify_derived(derive(base, SHOWN, nym_domain=DOMAIN), public_key=KEY)
        for base in (kept, open_base(BASE))
    ]
    assert found[0].document == found[1].document
    assert found[0].pseudonym == found[1].pseudonym is not None


def test_what_was_kept_without_a_pseudonym_needs_no_secret() -> None:
    kept = bbs_2023.reopen_base(issue(), public_key=KEY)
    assert bbs_2023.verify_derived(derive(kept, SHOWN), public_key=KEY).pseudonym is None


def test_what_was_kept_under_another_key_or_without_its_secrets_is_not_opened() -> None:
    with pytest.raises(BadProof):
        bbs_2023.reopen_base(BASE, public_key=BbsSecretKey.generate().public_key, prover_nym=NYM, blind=COMMITTED.blind)
    with pytest.raises(ProofImpossible, match="blind"):
        bbs_2023.reopen_base(BASE, public_key=KEY, prover_nym=NYM)
    with pytest.raises(ProofImpossible, match="secret of the holder's pseudonyms"):
        bbs_2023.reopen_base(BASE, public_key=KEY, blind=COMMITTED.blind)


def test_what_was_changed_though_nobody_can_opens_no_gate() -> None:
    subject = {**BASE["credentialSubject"], "isrcCode": "QZABC2699999"}
    kept = bbs_2023.reopen_base(
        {**BASE, "credentialSubject": subject}, public_key=KEY, prover_nym=NYM, blind=COMMITTED.blind
    )
    with pytest.raises(BadProof):
        bbs_2023.verify_derived(derive(kept, SHOWN, nym_domain=DOMAIN), public_key=KEY)
    another = bbs_2023.reopen_base(
        BASE, public_key=KEY, prover_nym=ProverNym.generate(secrets.token_bytes), blind=COMMITTED.blind
    )
    with pytest.raises(BadProof):
        bbs_2023.verify_derived(derive(another, SHOWN, nym_domain=DOMAIN), public_key=KEY)
