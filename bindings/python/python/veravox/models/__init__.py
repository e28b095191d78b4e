"""Published detectors as models of veravox: `python -m veravox.models import SOURCE`.

Needs `pip install veravox[import]`. Nothing here is used when calls are scanned.
"""
