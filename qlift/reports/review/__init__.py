"""What a review says, and how it is written for people."""
