"""Numbers, addresses of the net and mentions of pictures that say who somebody is."""
