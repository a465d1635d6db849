"""What every service needs and is nobody's business: clock, fetch, database, keys, logs, pages."""
