"""Messages that are no question about documents: recognised, and answered at once without a model."""
