"""How the shipped models are made: data preparation, training, export. Nothing in `edge` imports this."""
