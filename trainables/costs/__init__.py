"""What a network costs, counted without training it, and what it scores without training (zero-cost proxies)."""
