"""Data Integrity 1.0: proofs that stand inside a JSON-LD document, one module a cryptographic suite."""
