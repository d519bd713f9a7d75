"""Camera faults that training draws: broad, randomised families, on one picture and on whole batches."""
