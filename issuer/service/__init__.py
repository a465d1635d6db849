"""The co-op's use cases, one a file. They know neither web nor database; `issuer/ports.py` says what they need."""
