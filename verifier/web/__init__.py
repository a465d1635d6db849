"""The pages of a gate, the button that leads to it, and the poster that hangs beside it."""
