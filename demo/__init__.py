"""What a visitor sees: `make demo` shows a notebook instance's life, `make shell` is one to try things in."""
