"""How a credential is signed, disclosed and checked: the kernel, without input or output."""
