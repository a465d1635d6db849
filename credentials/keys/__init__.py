"""Keys, signatures and certificates: who signed this, and does the signature hold."""
