"""Networks in 8-bit whole numbers: made, checked, and rewritten for CPUs."""
