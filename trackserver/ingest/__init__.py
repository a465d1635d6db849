"""How a folder of files becomes a release: read, grouped, ordered, and what is missing said in words."""
