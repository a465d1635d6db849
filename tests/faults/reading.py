"""Reads what the services left behind as somebody would who does not know their code: SQL, JSON, base64 and zlib."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import zlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """A database, read from beside the service."""

    url: str

    def ask(self, sql: str) -> list[Row]:
        """Return what a question finds."""
        return self.ask_all([sql])[0]

    def ask_all(self, questions: Sequence[str]) -> list[list[Row]]:
        """Return what each of some questions finds."""
        if not self.is_sqlite:
            with psycopg.connect(self.url.replace("+psycopg", ""), row_factory=dict_row) as server:
                return [list(server.execute(sql.encode())) for sql in questions]
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file:
            file.row_factory = sqlite3.Row
            return [[dict(row) for row in file.execute(sql)] for sql in questions]

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite:///")

    def table(self, name: str) -> list[Row]:
        """Return every row of a table."""
        return self.ask(f'SELECT * FROM "{name}"')  # noqa: S608

    def is_whole(self) -> bool:
        """Ask SQLite whether any page of the file is damaged, or any row refers to nothing; a server sees to it."""
        if not self.is_sqlite:
            return True
        damaged, dangling = self.ask_all(["PRAGMA integrity_check", "PRAGMA foreign_key_check"])
        return damaged == [{"integrity_check": "ok"}] and not dangling


def once_each(values: Iterable[Any]) -> set[Any]:
    """Return values as a set, none of which may be there twice."""
    listed = list(values)
    twice = [each for each in set(listed) if listed.count(each) > 1] if len(set(listed)) != len(listed) else []
    assert not twice, f"twice: {twice[:5]}"
    return set(listed)


def unpacked(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hashed(secret: str) -> str:
    """Return what the co-op's database keeps of a secret."""
    return packed(hashlib.sha256(secret.encode()).digest())


def payload_of(compact: str) -> dict[str, Any]:
    """Return what a JWT says, or the JWT that an SD-JWT begins with."""
    found: dict[str, Any] = json.loads(unpacked(compact.split("~", maxsplit=1)[0].split(".")[1]))
    return found


def thumbprint_of(jwk: dict[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a P-256 key."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return packed(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def entry_of(credential: str) -> tuple[str, int]:
    """Return the list and the index that an instance points to."""
    named = payload_of(credential)["status"]["status_list"]
    return named["uri"].rpartition("/")[2], int(named["idx"])


@dataclass(frozen=True)
class PublishedList:
    """A status list as it was handed out."""

    uri: str
    issued_at: int
    expires_at: int
    taken_back: frozenset[int]

    @classmethod
    def read(cls, token: str, *, anchor: bytes) -> PublishedList:
        """Check the signature with the certificate in the header, and who made that; find the bits that are set."""
        head, body, signature = token.split(".")
        chain = json.loads(unpacked(head))["x5c"]
        leaf = load_der_x509_certificate(base64.b64decode(chain[0]))
        key = leaf.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        raw = unpacked(signature)
        r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        leaf.verify_directly_issued_by(load_pem_x509_certificate(anchor))
        said = payload_of(token)
        assert said["status_list"]["bits"] == 1
        content = zlib.decompress(unpacked(said["status_list"]["lst"]))
        return cls(uri=said["sub"], issued_at=said["iat"], expires_at=said["exp"], taken_back=bits_set(content))

    @property
    def id(self) -> str:
        """The last part of its address."""
        return self.uri.rpartition("/")[2]


def bits_set(content: bytes) -> frozenset[int]:
    """Return the places of all bits that are set, counted from the lowest of the first byte."""
    return frozenset(8 * at + bit for at, byte in enumerate(content) if byte for bit in range(8) if byte >> bit & 1)
