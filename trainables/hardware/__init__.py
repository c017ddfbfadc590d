"""What a network costs on a device: measured by one protocol, or predicted from a few measurements."""
