"""Unit ring: no root, no network, milliseconds."""
