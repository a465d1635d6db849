"""What the use cases need, as small protocols. `issuer/store/` implements them on one database session."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from issuer.catalogue import Cover, Release, Track
from issuer.codes import DownloadCode
from issuer.copies import Copy, Ended
from issuer.counting_ports import Counting
from issuer.delivery_ports import Authorizations, Deferring, Deliveries, Freshness
from issuer.ledger import Entry
from issuer.listeners import Listener
from issuer.offers import AnyOffer, Offer, Open
from issuer.registers import Contribution, Membership, Persona
from issuer.status_ports import StatusEntries


class Listeners(Protocol):
    """Who is known to the co-op."""

    def add_listener(self, listener: Listener, *, now: datetime) -> None:
        """Keep a new listener; `ListenerExists` if the e-mail address is taken."""
        ...

    def listeners(self) -> Sequence[Listener]:
        """Every listener, oldest first."""
        ...

    def find_listener(self, text: str) -> Listener:
        """The one listener with this id, e-mail address or name, else `UnknownListener`."""
        ...


class Catalogue(Protocol):
    """Releases, tracks and covers."""

    def save_release(self, release: Release, cover: Cover | None) -> None:
        """Keep a release as it is described now; a missing cover leaves the one that is there."""
        ...

    def release(self, release_id: str) -> Release | None:
        """One release with every track that it ever held."""
        ...

    def track(self, track_id: str) -> Track | None:
        """One track, withdrawn or not."""
        ...

    def releases(self, release_ids: Iterable[str]) -> Mapping[str, Release]:
        """Several releases by id; ids that are not there are left out."""
        ...

    def all_releases(self) -> Sequence[Release]:
        """Every release, by artist and title."""
        ...

    def release_ids_of_tracks(self, track_ids: Iterable[str]) -> frozenset[str]:
        """The releases that hold any of the tracks."""
        ...

    def take_down(self, track_ids: Iterable[str], *, at: datetime) -> int:
        """Take tracks off the offer; return how many were on it. No copy minds."""
        ...

    def put_back(self, track_ids: Iterable[str]) -> int:
        """Take back a takedown; return how many tracks it touched."""
        ...

    def cover(self, release_id: str) -> Cover | None:
        """The co-op's own copy of a cover."""
        ...


class Ledger(Protocol):
    """Entries, only ever added, and the copies derived from them."""

    def entry(self, key: str) -> Entry | None:
        """The entry with this idempotency key."""
        ...

    def entries(self, listener: str) -> Sequence[Entry]:
        """Every entry of a listener."""
        ...

    def entries_for(self, listener: str, track_ids: Iterable[str]) -> Sequence[Entry]:
        """The entries of a listener that touch any of the tracks."""
        ...

    def append(self, entry: Entry) -> None:
        """Add an entry."""
        ...

    def listeners_with_tracks(self, track_ids: Iterable[str]) -> Sequence[str]:
        """The listeners who have an entry for any of the tracks."""
        ...

    def copies(self, listener: str) -> Sequence[Copy]:
        """Every copy of a listener that is good."""
        ...

    def past_copies(self, listener: str) -> Sequence[Copy]:
        """Every copy of a listener that has ended, newest end first."""
        ...

    def copy(self, copy_id: str) -> Copy | None:
        """One copy, ended or not."""
        ...

    def keep_copies(self, copies: Sequence[Copy]) -> None:
        """Keep new copies; one that is already good for the same thing stands, and keeps its id."""
        ...

    def end_copy(self, copy_id: str, *, why: Ended, now: datetime) -> bool:
        """End a copy; False if it had ended before."""
        ...


class Books(Catalogue, Ledger, Protocol):
    """Catalogue and ledger together."""


class Registers(Protocol):
    """Members, personas, contributions."""

    def birth_date(self, listener: str) -> date | None:
        """A listener's birth date, if the co-op knows it."""
        ...

    def membership(self, membership_id: str) -> Membership | None:
        """One time of membership, running or over."""
        ...

    def running_membership(self, listener: str) -> Membership | None:
        """The membership of a listener that runs now."""
        ...

    def first_membership(self, listener: str) -> Membership | None:
        """The first that a listener ever had."""
        ...

    def members(self) -> Sequence[Membership]:
        """Every membership that runs, oldest first."""
        ...

    def lapsed_members(self, now: datetime) -> Sequence[Membership]:
        """Memberships whose time is up and that nobody ended yet."""
        ...

    def add_membership(self, membership: Membership) -> bool:
        """Keep a new membership; False if one of the listener's runs."""
        ...

    def end_membership(self, membership_id: str, *, at: datetime) -> bool:
        """End a membership; False if it had ended before."""
        ...

    def persona(self, persona_id: str) -> Persona | None:
        """One persona."""
        ...

    def personas(self) -> Sequence[Persona]:
        """Every persona, by name."""
        ...

    def save_persona(self, persona: Persona, *, at: datetime) -> None:
        """Keep a persona as it was verified last."""
        ...

    def contribution(self, contribution_id: str) -> Contribution | None:
        """One contribution."""
        ...

    def contribution_by_key(self, key: str) -> Contribution | None:
        """The contribution that was written down with this idempotency key."""
        ...

    def add_contribution(self, contribution: Contribution, *, key: str, at: datetime) -> bool:
        """Keep a new contribution; False if its key is taken."""
        ...


class Shelves(Books, Registers, Protocol):
    """What a listener's collection is read from."""


class Claimable(Catalogue, Registers, Protocol):
    """What the claims of a credential are read from."""


class Offers(Protocol):
    """Offers to wallets."""

    def add_offer(self, offer: Open, *, code_hash: str) -> None:
        """Keep a new offer."""
        ...

    def offer(self, offer_id: str) -> AnyOffer | None:
        """The offer with this id, expired or not."""
        ...

    def offer_by_code(self, code_hash: str) -> AnyOffer | None:
        """The offer whose pre-authorized code has this hash, expired or not."""
        ...

    def take_try(self, offer: Offer) -> None:
        """Take one of the tries of an open offer; the last one burns it."""
        ...

    def redeem(self, offer: Offer) -> bool:
        """Close an open offer for its one token; False if somebody was first."""
        ...


class Authorizing(Authorizations, Offers, Ledger, Protocol):
    """What is needed for a listener's yes."""


class Holding(Deferring, Ledger, Protocol):
    """What is needed to hold a copy back."""


class Ending(Books, Counting, StatusEntries, Protocol):
    """What is needed to end a copy: ledger, catalogue, entries of its instances, who counts, and what is held back."""

    def is_held(self, copy_id: str) -> bool:
        """Whether a copy is held back."""
        ...


class Register(Registers, Ending, Protocol):
    """What is needed to write into a register."""


class Importing(Listeners, Register, Protocol):
    """What an import of the co-op's own data writes to."""

    def known_listener(self, text: str, *, email: str | None = None) -> str | None:
        """The id of the listener with this id or e-mail address, or with that one."""
        ...


class Codes(Protocol):
    """Download codes."""

    def add_code(self, code: DownloadCode, *, code_hash: str, now: datetime) -> None:
        """Keep a new code by its hash."""
        ...

    def code(self, code_hash: str) -> DownloadCode | None:
        """The code with this hash, used or not."""
        ...

    def use_code(self, code_hash: str, *, now: datetime) -> bool:
        """Use a code up; False if somebody was first."""
        ...


class CodeDesk(Codes, Books, Protocol):
    """What is needed to make and use download codes."""


class Delivering(Deliveries, Counting, Protocol):
    """What is needed to give tokens."""


class Replacing(Deliveries, Counting, Ledger, Protocol):
    """What is needed to let a wallet take the place of a lost one."""


class Issuing(Offers, Authorizations, Deliveries, Deferring, Freshness, Claimable, Counting, StatusEntries, Protocol):
    """What the token and credential endpoints need."""


class Logins(Protocol):
    """Magic links and the browsers that used one."""

    def add_login_link(self, token_hash: str, *, listener: str, until: datetime) -> None:
        """Keep a magic link."""
        ...

    def login_link(self, token_hash: str, *, now: datetime) -> bool:
        """Tell whether a link can still be used."""
        ...

    def use_login_link(self, token_hash: str, *, now: datetime) -> str | None:
        """Use a link up and return its listener; None if it is not there or too old."""
        ...

    def add_browser(self, session_hash: str, *, listener: str, until: datetime) -> None:
        """Keep a logged-in browser."""
        ...

    def browser(self, session_hash: str, *, now: datetime) -> str | None:
        """The listener of a logged-in browser."""
        ...

    def forget_browser(self, session_hash: str) -> None:
        """Log a browser out."""
        ...


class Sweepable(Protocol):
    """Rows that lose their meaning."""

    def delete_expired(self, now: datetime) -> int:
        """Delete what can mean nothing any more; return how many rows."""
        ...


class Sweeping(Sweepable, Register, Protocol):
    """What the sweep needs."""
