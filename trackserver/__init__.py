"""The trackserver: it keeps a catalogue of releases and sends the files that a grant names."""
