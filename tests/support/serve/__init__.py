"""What tests of the web side need beside `web`: clients, addresses, people, whole boxes, German."""
