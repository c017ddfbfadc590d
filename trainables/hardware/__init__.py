"""What a network costs on a device: latency, throughput and energy, measured by one protocol for every engine."""
