"""What the co-op's other services know, read from files: CSV, and JSON in the shape of their APIs."""
