"""The co-op: its ledger, its offers, and the credentials it signs."""
