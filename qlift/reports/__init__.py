"""What people read: reports made of what derivation found."""
