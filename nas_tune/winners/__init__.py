"""What becomes of the best architectures: retraining from scratch, export, compression."""
