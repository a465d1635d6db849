"""A wire tap: passes TCP on from a public port to the port that a service listens on, and keeps every byte."""

import base64
import contextlib
import itertools
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

CHUNK = 65536
_FIRST_PORT, _PORTS_EACH, _WORKERS = 18_000, 1_750, 8
"""Below those that the system gives to whoever wants any port (on Linux from 32,768 on)."""
_TAKEN = itertools.count(secrets.randbelow(_PORTS_EACH))
_CONNECTIONS = itertools.count()


@dataclass(slots=True)
class Recording:
    """What passed through one port, in both directions."""

    chunks: list[tuple[int | None, bytes]] = field(default_factory=list)
    """What passed, and which connection asked with it; None for an answer."""

    def everything(self) -> bytes:
        """Return all bytes, each connection's pieces in the order in which they passed."""
        return b"".join(data for _, data in self.chunks)

    def asked(self, since: int = 0) -> list[bytes]:
        """Return what each connection asked, from one chunk on."""
        found: dict[int, bytes] = {}
        for connection, data in self.chunks[since:]:
            if connection is not None:
                found[connection] = found.get(connection, b"") + data
        return list(found.values())


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody gets before it is used, seconds later.

    It is none that the system gives to others meanwhile, each worker of a run has its own, and takes one after another.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _WORKERS
    for number in itertools.islice(_TAKEN, _PORTS_EACH):
        port = _FIRST_PORT + worker * _PORTS_EACH + number % _PORTS_EACH
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextlib.contextmanager
def wire_tap(public_port: int, *inner_ports: int) -> Iterator[Recording]:
    """Listen on `public_port`, pass each connection on to the next of `inner_ports`, and record it."""
    recording = Recording()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", public_port))
        server.listen(64)
        thread = threading.Thread(target=_accept, args=(server, inner_ports, recording), daemon=True)
        thread.start()
        try:
            yield recording
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(server: socket.socket, inner_ports: Sequence[int], recording: Recording) -> None:
    turns = itertools.cycle(inner_ports)
    relays: list[tuple[threading.Thread, socket.socket]] = []
    with contextlib.suppress(OSError):
        while True:
            outer, _ = server.accept()
            relay = threading.Thread(target=_relay, args=(outer, next(turns), recording), daemon=True)
            relay.start()
            relays.append((relay, outer))
    for _, outer in relays:
        with contextlib.suppress(OSError):  # it is over already
            outer.shutdown(socket.SHUT_RDWR)
    for relay, _ in relays:
        relay.join()


def _relay(outer: socket.socket, inner_port: int, recording: Recording) -> None:
    with outer, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", inner_port)) as inner:
        back = threading.Thread(target=_pump, args=(inner, outer, recording, None), daemon=True)
        back.start()
        _pump(outer, inner, recording, next(_CONNECTIONS))
        back.join()


def _pump(source: socket.socket, target: socket.socket, recording: Recording, connection: int | None) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            recording.chunks.append((connection, chunk))
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def disguises(text: str) -> list[bytes]:
    """Return how `text` may hide in bytes: plain, in hex, and inside base64 at each of the three alignments."""
    plain = text.encode()
    found = [plain, plain.hex().encode(), plain.lower(), plain.upper()]
    for shift in range(3):
        encoded = base64.urlsafe_b64encode(b"\0" * shift + plain).rstrip(b"=")
        # The first characters mix with what stands before, the last one with what stands after.
        inner = encoded[(shift * 8 + 5) // 6 : -1]
        found += [inner, inner.replace(b"-", b"+").replace(b"_", b"/")]
    return found
