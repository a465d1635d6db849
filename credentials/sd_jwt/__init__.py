"""SD-JWT (RFC 9901) and SD-JWT VC: read, issue, present. Trust and time are checked by `credentials.verify`."""

from credentials.sd_jwt.disclosure import Disclosure
from credentials.sd_jwt.issuing import build_nested_sd_jwt_vc, build_sd_jwt_vc
from credentials.sd_jwt.json_serialization import parse_sd_jwt_json
from credentials.sd_jwt.presenting import build_presentation, read_holder_key
from credentials.sd_jwt.reading import SdJwt, parse_sd_jwt

__all__ = [
    "Disclosure",
    "SdJwt",
    "build_nested_sd_jwt_vc",
    "build_presentation",
    "build_sd_jwt_vc",
    "parse_sd_jwt",
    "parse_sd_jwt_json",
    "read_holder_key",
]
