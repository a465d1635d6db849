"""What a stranger, or a careless issuer, may bring to the suites: each is refused for its own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity.chains import verify_proofs
from credentials.linked_data import BlankNodeNamed

if TYPE_CHECKING:
    from tests.credentials.data_integrity.conftest import Town

NAMED = {
    "its subject": {"credentialSubject": {"id": "_:me", "description": "Was there"}},
    "itself": {"id": "_:this"},
    "a type": {"type": ["VerifiableCredential", "_:kind"]},
    "a name for choosing parts": {"credentialSubject": {"id": "urn:bnid:me", "description": "Was there"}},
    "somebody spoken of": {"termsOfUse": {"id": "_:terms", "type": "https://terms.example/"}},
}


@pytest.mark.parametrize("changes", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("suite", ["coop", "label"])
def test_nothing_is_issued_that_names_a_blank_node(town: Town, suite: str, changes: dict[str, Any]) -> None:
    party = getattr(town, suite)

    with pytest.raises(BlankNodeNamed):
        party.sign(party.credential(**changes))


def test_a_text_that_looks_like_a_name_is_a_text_where_all_is_signed_and_shown(town: Town) -> None:
    credential = town.coop.credential(name="_:b0 and urn:bnid:b1")

    assert verify_proofs(town.coop.sign(credential), town.policy()).document == credential
