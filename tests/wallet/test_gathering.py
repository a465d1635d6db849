"""What an errand gathers is seen by itself at once, written together, and applied to what others wrote meanwhile."""

from functools import partial

import pytest

from credentials.errors import Malformed
from tests.support.outside import NOW, Memory
from wallet.gathering import MOST_WAITING, Gathering
from wallet.linked import Nym
from wallet.state import Wallet


def nym(scope: str) -> Nym:
    return Nym(issuer="https://coop.example", scope=scope, secret="s", blind="b", commitment="c", made_at=NOW)


def add(wallet: Wallet, scope: str) -> tuple[Wallet, str]:
    return wallet.with_nym(nym(scope)), scope


def scopes(wallet: Wallet) -> list[str]:
    return [each.scope for each in wallet.nyms]


def test_what_waits_is_seen_here_and_written_together_beside_what_others_wrote() -> None:
    memory = Memory()
    gathering = Gathering(memory)
    assert gathering.change(partial(add, scope="first")) == "first"
    assert (scopes(gathering.load()), scopes(memory.load())) == (["first"], [])
    memory.change(partial(add, scope="of another process"))
    gathering.change(partial(add, scope="second"))
    gathering.write()
    assert scopes(memory.load()) == scopes(gathering.load()) == ["of another process", "first", "second"]
    gathering.write()
    assert len(memory.load().nyms) == 3


def test_much_is_written_by_itself_and_all_of_it_when_an_errand_is_broken_off() -> None:
    memory = Memory()
    gathering = Gathering(memory)
    for number in range(MOST_WAITING):
        assert not gathering.write_if_many() or number == 0
        gathering.change(partial(add, scope=str(number)))
    assert gathering.write_if_many()
    assert len(memory.load().nyms) == MOST_WAITING

    def break_off() -> None:
        with gathering.to_the_end():
            gathering.change(partial(add, scope="last"))
            raise Malformed("answer", "it is none")

    with pytest.raises(Malformed):
        break_off()
    assert "last" in scopes(memory.load())
