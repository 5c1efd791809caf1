"""Parts of pages that compute in the browser: a Python file beside its JavaScript and CSS."""
