"""The trackserver's ports on a database session."""
