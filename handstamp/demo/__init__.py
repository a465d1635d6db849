"""The story that make demo tells, over real services in their own processes."""
