"""What `handstamp verify` does: read a file of any kind, take the steps of its pipeline, say in words how each went."""
