"""The networks of published detectors, written from their papers."""
