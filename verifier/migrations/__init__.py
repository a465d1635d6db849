"""How the verifier's tables came to be; run by plumbing.migrations."""
