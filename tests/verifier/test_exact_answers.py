"""Two hundred instances of one copy are shown at the same moment, at two workers, on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import AuthorizationResponse
from credentials.sd_jwt.presenting import build_presentation
from credentials.sd_jwt.reading import parse_sd_jwt
from plumbing.clock import epoch_s
from plumbing.database import Database
from tests.support.rush import CROWD, rush, two_workers
from tests.verifier.conftest import Site, response_code_of
from tests.verifier.counting import COPY, limited
from verifier.limits import Monthly
from verifier.service.complete_return import complete_return
from verifier.service.start_visit import start_visit
from verifier.service.take_answer import AnswerTaken, take_answer
from verifier.store import SqlWork
from verifier.visits import Accepted, Device, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMES = 7


@pytest.fixture
def database(new_database: Callable[[str], str]) -> Iterator[Database]:
    made = Database(new_database("verifier"))
    yield made
    made.close()


@pytest.mark.slow
async def test_of_two_hundred_who_show_one_copy_as_many_pass_as_the_gate_allows(site: Site) -> None:
    gate, holder, now = limited(site, Monthly(times=TIMES)), LocalSigner.generate(), site.clock()
    credential = parse_sd_jwt(site.coop.issue(holder, copy=COPY))
    with two_workers(site.database.url.render_as_string(hide_password=False)) as workers:
        works = [SqlWork(worker, site="main") for worker in workers]
        visits = [start_visit(works[0], gate.gate_id, now=now) for _ in range(CROWD)]
        asked = [next(each for each in visit.requests if each.device is Device.SAME) for visit in visits]
        forms = []
        for request in asked:
            shown = build_presentation(
                credential,
                disclose=("release", "copy"),
                nonce=gate.terms.shake(request.salt).nonce,
                audience=site.parts.party.client_id(request.request_id),
                signer=holder,
                issued_at=epoch_s(now),
            )
            forms.append(AuthorizationResponse(vp_token={"release": (shown,)}, state=request.state).to_form())

        def pass_through(number: int) -> str:
            here, there = works[number % 2], works[1 - number % 2]
            taken = take_answer(here, asked[number].request_id, forms[number], party=site.parts.party, now=now)
            if not isinstance(taken, AnswerTaken):
                return taken.error.code
            code, cookie = response_code_of(taken.redirect_uri or ""), visits[number].cookie
            opened = complete_return(there, code, cookie_of=lambda _: cookie, now=now)
            return str(opened.last_failure) if isinstance(opened, Refused) else type(opened).__name__

        assert rush(pass_through) == {Accepted.__name__: TIMES, "already_used": CROWD - TIMES}
    with site.parts.work.read() as stores:
        assert stores.load_passages(gate.gate_id) == ((f"{now:%Y-%m}", TIMES),)
        assert [each.uses for each in stores.load_marks(gate.gate_id)] == [TIMES]
        assert len(stores.load_receipts(gate.gate_id)) == TIMES
