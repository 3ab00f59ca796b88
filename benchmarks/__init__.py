"""What `make bench` runs; not part of the package."""
