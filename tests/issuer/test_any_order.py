"""An offer, its tokens and its credentials in any order of right, wrong, repeated and late requests, beside a model."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from typing_extensions import override

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import DpopProof
from credentials.protocols.oauth import InvalidGrant, InvalidNonce, InvalidToken, OAuthError, TemporarilyUnavailable
from credentials.protocols.openid4vci import CredentialRequest, Form, Proof, RefreshRequest, TokenRequest, TokenResponse
from issuer.deliveries import REFRESH_TTL, TOKEN_TTL
from issuer.offers import OFFER_TTL, TRIES
from issuer.orders import InstanceOrder
from issuer.service.credentials import admit
from issuer.service.nonces import give_nonce
from issuer.service.proving import Proven
from issuer.service.sweep import sweep
from issuer.service.tokens import REPLAY_EVERY_S, redeem, refresh
from issuer.store import Store
from tests.issuer.conftest import make_coop

pytestmark = pytest.mark.database


@dataclass(frozen=True)
class Given:
    """A pair of tokens as the wallet got it, and how it came to them."""

    access: str
    until: datetime
    refresh: str
    parent: str


class Delivering(RuleBasedStateMachine):
    """The model is a handful of fields; the service must agree with it after every step."""

    given = Bundle("given")
    nonces = Bundle("nonces")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.coop = make_coop(Path(self.folder.name))
        self.coop.add_release()
        self.offer = self.coop.offer(self.coop.owner())
        self.offered_at = self.coop.now
        self.key, self.stranger = "the wallet's key", "another key"
        self.tries, self.state = TRIES, "open"
        self.delivered_at: datetime | None = None
        self.closed, self.used, self.looked_at = False, "", -1

    @override
    def teardown(self) -> None:
        self.coop.parts.database.close()
        self.folder.cleanup()

    def proof(self, key: str) -> DpopProof:
        return DpopProof(thumbprint=key, jti=secrets.token_hex(8), issued_at=int(self.coop.now.timestamp()))

    @property
    def is_open(self) -> bool:
        return self.delivered_at is not None and not self.closed and self.coop.now < self.delivered_at + REFRESH_TTL

    @property
    def offer_lives(self) -> bool:
        return self.coop.now < self.offered_at + OFFER_TTL

    @rule(target=given, right=st.booleans())
    def show_the_code(self, *, right: bool) -> object:
        coop = self.coop
        digits = coop.tx_code(self.offer)
        asked = TokenRequest(
            pre_authorized_code=coop.code(self.offer), tx_code=digits if right else f"{int(digits) ^ 1:06}"
        )
        with coop.parts.database.write() as session:
            answer = redeem(Store(session), asked, self.proof(self.key), secrets=coop.parts.desk.secrets, now=coop.now)
        if self.state == "open" and self.offer_lives:
            return self._first_show(answer, right=right)
        slot = int(coop.now.timestamp()) // REPLAY_EVERY_S
        if self.state == "redeemed" and slot == self.looked_at:
            assert isinstance(answer, TemporarilyUnavailable)
            return multiple()
        if self.state == "redeemed":
            self.looked_at, self.closed = slot, self.closed or right
        assert isinstance(answer, InvalidGrant)
        return multiple()

    def _first_show(self, answer: TokenResponse | OAuthError, *, right: bool) -> object:
        if not right:
            self.tries -= 1
            self.state = "open" if self.tries else "burnt"
            assert isinstance(answer, InvalidGrant)
            return multiple()
        self.state, self.delivered_at = "redeemed", self.coop.now
        return self._given(answer, parent="")

    def _given(self, answer: TokenResponse | OAuthError, *, parent: str) -> Given:
        assert isinstance(answer, TokenResponse)
        assert answer.refresh_token
        until = self.coop.now + TOKEN_TTL
        return Given(access=answer.access_token, until=until, refresh=answer.refresh_token, parent=parent)

    @rule(target=given, token=given, own=st.booleans())
    def come_back(self, token: Given, *, own: bool) -> object:
        with self.coop.parts.database.write() as session:
            asked = RefreshRequest(refresh_token=token.refresh)
            proof = self.proof(self.key if own else self.stranger)
            answer = refresh(Store(session), asked, proof, now=self.coop.now)
        if self.is_open and own and self.used in {token.refresh, token.parent}:
            self.used = token.refresh
            return self._given(answer, parent=token.refresh)
        if self.is_open and own:
            self.closed = True
        assert isinstance(answer, InvalidGrant)
        return multiple()

    @rule(target=nonces)
    def fetch_a_nonce(self) -> tuple[str, datetime]:
        given = give_nonce(self.coop.parts.desk.secrets, now=self.coop.now)
        return given.c_nonce, self.coop.now + timedelta(minutes=5)

    @rule(token=given, nonce=consumes(nonces), copy=st.integers(0, 3))
    def ask_for_a_credential(self, token: Given, nonce: tuple[str, datetime], copy: int) -> None:
        text, until = nonce
        with self.coop.parts.database.write() as session:
            answer = admit(
                Store(session),
                token.access,
                CredentialRequest(credential_identifier=self.offer.copies[copy].id, proofs=("-",)),
                dpop=self.proof(self.key),
                proven=Proven.of_keys(Form.SD_JWT, [Proof(key=LocalSigner.generate().public_key, nonce=text)]),
                desk=self.coop.parts.desk,
                random=secrets.token_bytes,
                now=self.coop.now,
            )
        if not self.is_open or self.coop.now >= token.until:
            assert isinstance(answer, InvalidToken)
        elif self.coop.now >= until:
            assert isinstance(answer, InvalidNonce)
        else:
            assert isinstance(answer, InstanceOrder)
            assert answer.contents.claims["copy"] == self.offer.copies[copy].id

    @rule(minutes=st.sampled_from([1, 4, 6, 11, 1440]))
    def wait(self, minutes: int) -> None:
        self.coop.wait(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        with self.coop.parts.database.write() as session:
            sweep(Store(session), now=self.coop.now)
        if self.coop.now >= self.offered_at + OFFER_TTL + TOKEN_TTL + timedelta(minutes=1):
            self.state = "forgotten"  # with its tokens over, a replay of the code has nothing left to end

    @invariant()
    def the_offer_is_where_the_model_says(self) -> None:
        with self.coop.parts.database.read() as session:
            offer = Store(session).offer(self.offer.id)
        assert (type(offer).__name__.lower() if offer else "forgotten") == self.state


Delivering.TestCase.settings = settings(max_examples=12, stateful_step_count=16, deadline=None)
TestAnyOrder = Delivering.TestCase
