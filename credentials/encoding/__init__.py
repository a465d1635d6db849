"""Bytes to text and back, strictly: what two readers could read differently is refused."""
