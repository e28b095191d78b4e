"""What the `make_*.py` programs of this folder share: voices, telephone channels, writers."""
