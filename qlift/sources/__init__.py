"""Source systems → bundle."""
