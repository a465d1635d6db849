"""One encrypted file of what a service cannot lose, and the way back."""
