"""Dependencies that would talk about the user, or leave files behind, are told not to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def silence() -> None:
    """Turn telemetry off, and torch's cache folder; called before each import that would begin it.

    ONNX Runtime starts its telemetry (a device id and a queue of events in the user's cache
    folder, later a look-up) as it is imported, and the hub client reads its switch then. Where a
    program imported one of them before it called sbir, what began there cannot be undone: of ONNX
    Runtime only further events are stopped. Set ORT_DISABLE_TELEMETRY=1 for the program then.
    """
    os.environ.update(_OFF)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its C++ warns into the terminal
    runtime = sys.modules.get("onnxruntime")
    if runtime is not None and hasattr(runtime, "disable_telemetry_events"):
        runtime.disable_telemetry_events()
    hub = sys.modules.get("huggingface_hub.constants")
    if hub is not None:
        hub.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
    # torch makes a folder for compiled code as soon as torchvision is imported; sbir compiles
    # nothing, and a folder that is there already is left as it is
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", _folder_that_is_there())


def _folder_that_is_there() -> str:
    """The system's folder for temporary files, found without the trial file that Python makes."""
    names = (os.environ.get("TMPDIR"), os.environ.get("TEMP"), "/tmp", "/var/tmp")
    return next((name for name in names if name and Path(name).is_dir()), str(Path.cwd()))
