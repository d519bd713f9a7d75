"""From a checkpoint to the shipped pack: export, quantization, scores, manifest entry and card."""
