"""What a site's metrics say while listeners pass: outcomes and forms, and of no gate and nobody."""

from dataclasses import replace

import pytest

from credentials.errors import HandstampError
from tests.support.street import Shop, Street
from tests.support.watching import Watched
from verifier.app import build_verifier_app
from verifier.counted import PASSAGES, PRESENTATIONS, count_answer, form_of
from verifier.errors import WalletDeclined
from verifier.forms import Form
from verifier.limits import OnceEver
from verifier.service.take_answer import AnswerFailed, AnswerTaken


@pytest.mark.parametrize(("met", "form"), [("release-bbs", "baseline"), ("a-nym,b-nym", "pseudonym"), ("c", "sd_jwt")])
def test_the_form_of_an_answer_is_read_off_the_queries_that_it_met(met: str, form: str) -> None:
    assert form_of(met) == form
    assert form in {each.name.lower() for each in Form}


async def test_the_metrics_of_a_busy_site_name_nobody_and_only_what_is_in_closed_tables(
    street: Street, shop: Shop
) -> None:
    watched = Watched("verifier")
    shop.parts = replace(shop.parts, meter=watched.meter)
    shop.app = build_verifier_app(shop.parts, observing=watched.observing)
    open_gate, limited = shop.gate(), shop.gate(limit=OnceEver())
    await street.visit(shop, open_gate)
    await street.visit(shop, limited)
    with pytest.raises(HandstampError):
        await street.visit(shop, limited)
    page = watched.page
    assert watched.open_labels(shop.app, (PASSAGES, PRESENTATIONS)) == set()
    values = {open_gate.gate_id, limited.gate_id, shop.host, open_gate.terms.digest, "Night Bus", "127.0.0.1"}
    assert not [value for value in values if str(value) in page]
    sent = [str(request.url.path).rpartition("/")[2] for request in street.sent]
    assert not [piece for piece in sent if len(piece) > 16 and piece in page]
    assert watched.count("presentations", outcome="accepted", form="baseline") == 1
    assert watched.count("presentations", outcome="accepted", form="pseudonym") == 1
    assert watched.count("presentations", outcome="used_up", form="none") == 1
    assert sum(watched.count("passages", way=way) for way in PASSAGES.labels["way"]) == 2


def test_every_outcome_of_an_answer_is_counted_once() -> None:
    watched = Watched("verifier")
    taken = AnswerTaken(redirect_uri=None, met="a-bbs")
    for outcome in (taken, AnswerTaken(redirect_uri="x", met="c"), AnswerFailed(error=WalletDeclined())):
        count_answer(watched.meter, outcome)
    found = {form: watched.count("presentations", outcome="accepted", form=form) for form in ("baseline", "sd_jwt")}
    assert found == {"baseline": 1, "sd_jwt": 1}
    assert watched.count("presentations", outcome="refused", form="none") == 1
    assert watched.count("passages", way="other_device") == 1
