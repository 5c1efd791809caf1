"""The views of the page on batch normalization."""
