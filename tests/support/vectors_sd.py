"""The steps that both kinds of published vectors for selective disclosure give, held against ours one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from credentials.data_integrity.proofs import read_proofs, without_proof
from credentials.data_integrity.selection import name_blank_nodes, parse_pointer
from credentials.data_integrity.statements import Disclosure, Statements, hash_options, read_shown
from credentials.linked_data import canonicalize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from credentials.linked_data import Canonical, Quad

HMAC_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF" * 2)


class Vectors:
    """One folder of vectors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = self.read("addSignedSDBase.json")
        self.derived = self.read("derivedRevealDocument.json")
        self.document = without_proof(self.base)
        (self.proof,) = read_proofs(self.base)

    def read(self, name: str) -> Any:
        """Read one file; an absent one gives None."""
        path = self.folder / name
        if not path.exists():
            return None
        text = path.read_text("utf-8")
        return json.loads(text) if name.endswith(".json") else text

    def read_map(self, name: str, *path: str) -> dict[Any, Any]:
        """Read a map that is written as pairs."""
        value = self.read(name)
        for step in path:
            value = value[step]
        return dict(value["value"])

    def group(self, label: Callable[[Canonical, bytes], dict[str, str]], mandatory: list[str]) -> Statements:
        """Check every step up to what is signed."""
        self.check_pointers()
        raw, recovered = self.read("addRawBaseSignatureInfo.json"), self.read("derivedRecoveredBaseData.json")
        assert raw["mandatoryPointers"] == mandatory
        assert {
            name: raw[name] for name in raw.keys() & recovered.keys() if name != "publicKey"
        }.items() <= recovered.items()
        selectable = name_blank_nodes(self.document)
        assert list(selectable.canonical.statements) == self.read("addBaseDocCanon.json")
        statements = Statements.group(selectable, label(selectable.canonical, HMAC_KEY), mandatory)
        lines = list(statements.lines.values())
        assert lines == self.read("addBaseDocHMACCanon.json")
        optional = self.read_map("addBaseTransform.json", "nonMandatory")
        assert dict(zip(optional, statements.optional_lines, strict=True)) == optional
        shown = [statements.lines[quad] for quad in statements.lines if quad in statements.mandatory]
        assert shown == list(self.read_map("addBaseTransform.json", "mandatory").values())
        hashes = self.read("addHashData.json")
        assert statements.mandatory_hash.hex() == hashes["mandatoryHash"]
        options = {name: value for name, value in self.proof.members.items() if name != "proofValue"}
        assert hash_options(options, self.document).hex() == hashes["proofHash"]
        configuration = self.read("addProofConfig.json")
        assert canonicalize(configuration).text == self.read("addProofConfigCanon.txt")
        assert self.proof.build_options(self.document) == configuration
        return statements

    def disclose(self, statements: Statements, selective: list[str]) -> Disclosure:
        """Check every step up to what is proven."""
        disclosure = statements.disclose(selective)
        assert disclosure.document == self.read("derivedUnsignedReveal.json") == without_proof(self.derived)
        indexes = self.read("derivedGroupIndexes.json")
        chosen = statements.selectable.statements_of(selective)
        found = {
            "mandatoryIndexes": [index for index, quad in enumerate(statements.lines) if quad in statements.mandatory],
            "nonMandatoryIndexes": [
                index for index, quad in enumerate(statements.lines) if quad not in statements.mandatory
            ],
            "selectiveIndexes": [index for index, quad in enumerate(statements.lines) if quad in chosen],
            "combinedIndexes": [
                index for index, quad in enumerate(statements.lines) if quad in statements.mandatory | chosen
            ],
        }
        assert found == indexes
        self._check_groups(statements, {"mandatory": statements.mandatory, "selective": chosen})
        self._check_verified(disclosure)
        assert disclosure.label_map == self.read_map("derivedDisclosureData.json", "labelMap")
        return disclosure

    def _check_groups(self, statements: Statements, groups: dict[str, frozenset[Quad]]) -> None:
        published = self.read("derivedAllGroupData.json")
        if published is None:
            return
        assert published["nquads"] == list(statements.lines.values())
        groups["combined"] = groups["mandatory"] | groups["selective"]
        for name, group in groups.items():
            for key, inside in (("matching", True), ("nonMatching", False)):
                assert dict(published["groups"][name][key]["value"]) == {
                    index: line
                    for index, (quad, line) in enumerate(statements.lines.items())
                    if (quad in group) is inside
                }

    def _check_verified(self, disclosure: Disclosure) -> None:
        published = self.read("verifyDerivedProofValue.json")
        if published is None:
            return
        expected = self.read("derivedDisclosureData.json")
        assert dict(published["labelMap"]) == disclosure.label_map
        assert published["mandatoryIndexes"] == list(disclosure.mandatory_indexes)
        assert published.get("adjSelectedIndexes", list(disclosure.selective_indexes)) == list(
            disclosure.selective_indexes
        )
        for name in published.keys() & {"bbsProof", "baseSignature", "publicKey", "signatures"}:
            assert published[name] == expected[name]

    def check_shown(self, disclosure: Disclosure) -> None:
        """Check what a verifier finds in the part that is shown."""
        shown = read_shown(without_proof(self.derived), disclosure.label_map, disclosure.mandatory_indexes)
        lines = self.read("verifyNQuads.json")
        if lines is not None:
            mandatory = set(disclosure.mandatory_indexes)
            assert list(shown.optional_lines) == [line for at, line in enumerate(lines) if at not in mandatory]
        hashes = self.read("addHashData.json")
        assert shown.mandatory_hash.hex() == hashes["mandatoryHash"]
        found = self.read("verifyCreateVerifyData.json")
        if found is not None:
            assert list(shown.optional_lines) == found["nonMandatory"]
            assert {name: found[name] for name in hashes} == hashes

    def check_pointers(self) -> None:
        """Check what the mandatory pointers lead to; one file gives them from the subject on."""
        for each in self.read("addPointerValues.json") or ():
            path = parse_pointer(each["pointer"])
            value: Any = self.document if path[0] in self.document else self.document["credentialSubject"]
            for step in path:
                value = value[int(step)] if isinstance(value, list) else value[step]
            assert value == each["value"]
