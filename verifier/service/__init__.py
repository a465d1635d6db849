"""The verifier's use cases, one file each. They know neither the web nor the database."""
