"""The listener's wallet: keeps copies of records, receives them, shows them at gates, fetches the files.

Everything lies in one encrypted file (`wallet.vault`). Each file of `wallet.service` is one thing a listener does;
each is usable from code and is what `handstamp wallet` calls.
"""
