"""Neural vocoders trained on the corpus's own real clips, for copy-synthesis. Importing the package loads nothing."""
