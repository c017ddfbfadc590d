"""Training loops: epochs, optimizers, averages of weights, random streams, processes together, devices."""
