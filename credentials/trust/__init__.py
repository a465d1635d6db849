"""Trusted issuers, policies and lists of co-ops, as values."""

from credentials.trust.coop_list import CoopList, build_coop_list, parse_coop_list, verify_coop_list
from credentials.trust.policy import TrustedIssuer, TrustPolicy

__all__ = ["CoopList", "TrustPolicy", "TrustedIssuer", "build_coop_list", "parse_coop_list", "verify_coop_list"]
