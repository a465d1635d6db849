"""The co-op's use cases, one a file. They know neither the web nor the database; `issuer/ports.py` says what they need."""
