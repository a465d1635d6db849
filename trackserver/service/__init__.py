"""What can be done with a trackserver; one file per use case. Nothing here knows the web or the database."""
