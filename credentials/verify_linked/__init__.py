"""The pipeline for linked credentials: from a document that a stranger sent to evidence that a gate may open on.

`verify_linked` takes what our wallet derives from a bbs-2023 credential. It raises at the first step that fails.
`verify_linked_batch` does the same for many, with one pairing in step 6, and says of each what became of it.

     1. Read it: a credential by every rule of VCDM 2.0, with one proof, which is of the suite asked for, made to assert
        (Data Integrity 1.0 §4.4), and says no more than every other: nothing in it tells its holder from others.
     2. It is of a type of ours that was asked for, and has the form that the type's JSON Schema says.
     3. The issuer is on the policy's list, by its DID, and is trusted for this type.
     4. The key that the proof names is the issuer's: it was read from the DID's document, or a co-op list, beforehand,
        and what is known of the issuer has not ended.
     5. The credential is valid now: its cohort has begun and has not ended (VCDM 2.0 §4.9).
     6. The proof holds for exactly what is shown (vc-di-bbs §3.4.7): the issuer signed it, nothing was changed.
     7. Its presentation header is this request's (vc-di-bbs §3.4.7; design/protocols.md, "Presentation"): it was made
        for nobody and nothing else. A valid proof alone does not say so.
     8. It has a pseudonym of exactly the domain that was asked for, or none where none was: no pseudonym of another
        gate or month counts, and no holder becomes recognisable for nothing.

`verify_linked_issued` is for a wallet that receives a credential: steps 1 to 5, and then

     9. the issuer's signature holds over the whole, with the secrets of this wallet in it if it was asked for so;
    10. it is signed in the way that was asked for, with pseudonyms or without;
    11. it is like every other of its type (`credentials.linked_credential`), so that it does not tag its holder.

`verify_published` is for what is published, whole: steps 1 to 6, and then

    12. its status, if it has one, is an entry of a list at the issuer's own host, which says that it is still good
        (Bitstring Status List 1.0 §3.2).

`verify_holder_presentation` is for a presentation by any other wallet:

    13. it is a presentation by every rule of VCDM 2.0, with one credential in it;
    14. its proof was made to authenticate, for this challenge and this domain and nobody else, and not long ago;
    15. it holds for the whole, by the key that it names, which is its own name (did:key, did:jwk), and the holder's;
    16. the credential passes steps 1 to 6, and belongs here: it is about the holder, or else its own proof is tied to
        nothing but this request. One that names no subject and is tied to nothing could be shown again by whoever saw
        it; it is taken, because other wallets know no better, and ours never sends one (docs/threat-model.md).
"""

from credentials.verify_linked.holder import Occasion, verify_holder_presentation
from credentials.verify_linked.presented import Showing, verify_linked, verify_linked_batch
from credentials.verify_linked.published import Published, verify_published
from credentials.verify_linked.received import ReceivedLinked, verify_linked_issued

__all__ = [
    "Occasion",
    "Published",
    "ReceivedLinked",
    "Showing",
    "verify_holder_presentation",
    "verify_linked",
    "verify_linked_batch",
    "verify_linked_issued",
    "verify_published",
]
