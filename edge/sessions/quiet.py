"""Imported before onnxruntime: from 1.29 on, its Linux builds report sessions and model names to Microsoft by default.

A device reports to nobody but holders of a token. The variable has to be set before the library is loaded.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
