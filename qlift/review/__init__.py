"""Makes a review: what the engine would do, who sees what afterwards, how long it takes."""
