"""For authors of central servers: a puller to copy, a conformance test for a device, a loader for a whole fleet."""
