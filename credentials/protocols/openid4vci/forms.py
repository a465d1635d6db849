"""The forms that one credential comes in, and how configurations, scopes and copies are called in each.

A type has one configuration in the issuer's metadata for every form of it, and a copy has one identifier for every
form. The name of a form stands after the first dot; the SD-JWT VC, which every wallet knows, has none.
"""

from enum import Enum
from typing import Final

LDP_VC: Final = "ldp_vc"
SD_JWT_VC: Final = "dc+sd-jwt"
DOOR_PASS: Final = "handstamp_door_pass"  # noqa: S105 - a format
BBS_2023: Final = "bbs-2023"
EDDSA_RDFC_2022: Final = "eddsa-rdfc-2022"


class Form(Enum):
    """One form of a credential: the name that its configurations end with, its format and what signs it.

    Attributes:
        suffix: what its names end with; empty for the SD-JWT VC.
        format: the format identifier of OpenID4VCI 1.0 App. A, or ours for door passes.
        algorithm: the signature suite of a form that is no SD-JWT VC, whose algorithm is its key's.
        needs_commitment: whether the request must bring a `bbs2023_commitment`.
    """

    SD_JWT = ("", SD_JWT_VC, None, False)
    BBS = ("bbs", LDP_VC, BBS_2023, False)
    PSEUDONYM = ("pseudonym", LDP_VC, BBS_2023, True)
    DOOR = ("door", DOOR_PASS, BBS_2023, True)
    EDDSA = ("eddsa", LDP_VC, EDDSA_RDFC_2022, False)

    def __init__(self, suffix: str, format_: str, algorithm: str | None, needs_commitment: bool) -> None:  # noqa: FBT001 - a row of the table
        self.suffix = suffix
        self.format = format_
        self.algorithm = algorithm
        self.needs_commitment = needs_commitment

    def of(self, base: str) -> str:
        """What a configuration, a scope or a copy is called in this form."""
        return f"{base}.{self.suffix}" if self.suffix else base


_FORMS: Final = {form.suffix: form for form in Form}


def split_name(name: str) -> tuple[str, Form | None]:
    """Take the name of a configuration, a scope or a copy apart; None for a form that nobody knows."""
    base, dot, suffix = name.partition(".")
    return base, None if dot and not suffix else _FORMS.get(suffix)
