"""Trusted issuers and policies, as values."""

from credentials.trust.policy import TrustedIssuer, TrustPolicy

__all__ = ["TrustPolicy", "TrustedIssuer"]
