"""`handstamp doctor`: looks for what is set up wrongly. It reads, asks and tells; it never changes anything."""
