"""The pages that listeners see at the co-op."""
