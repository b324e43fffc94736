"""What is worth asking the scanner for while the glass is on its stage. A pure function of rows."""
