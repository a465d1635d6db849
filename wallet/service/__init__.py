"""What a listener does with a wallet: one file per use case."""
