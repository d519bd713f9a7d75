"""The whole product: its pages in a real browser, its service and commands as processes."""
