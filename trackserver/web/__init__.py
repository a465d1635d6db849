"""The trackserver's pages."""
