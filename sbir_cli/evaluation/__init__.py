"""Zero-shot retrieval in numbers: metrics by named protocols, and the runs that yield them."""
