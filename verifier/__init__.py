"""A site that opens gates: what must be proved, the visits of listeners, and the grants that open files elsewhere."""
