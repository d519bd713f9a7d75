"""The composition root: builds every part from the configuration and runs them.

`build` makes the stages, `service` runs the box, `offline` drives the same stages over files, `enrolment` adds people,
`report` writes the report a person reads, `demo` renders the clip that needs no camera.
"""
