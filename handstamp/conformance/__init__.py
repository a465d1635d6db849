"""A service that speaks W3C's VC API (VCALM), so that public test suites can try our kernel. For testing only.

Anybody who reaches it has it sign whatever they like, with keys that it made when it started.
"""
