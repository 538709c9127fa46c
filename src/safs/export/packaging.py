"""What a registry keeps of a model: its folder, and beside it every form for production that can hold it."""

import shutil
from pathlib import Path
from typing import Any, get_args

from safs.errors import NotCoveredError
from safs.export.exporting import FILES, export_model
from safs.export.forms import Form
from safs.files import write_json

MODEL = "model"  # the folder that PyTorch loads
SPARSE = FILES["sparse"]


def make_package(data: Path, model: Path, out: Path) -> dict[str, Any]:
    """Write a model in all its forms: `model/` for PyTorch, `model.safs` for the runtime, `model.onnx` for everyone else.

    Args:
        data: data set folder; the exported forms are checked on its validation part.
        model: model folder.
        out: folder to write to; it holds `package.json` afterwards.

    Returns:
        By form what its export measured, or `{"missing": reason}` where the form cannot hold the model.

    Raises:
        SafsError: an exported form is not equal to the model.
    """
    shutil.copytree(model, out / MODEL)
    forms: dict[str, Any] = {}
    for form in get_args(Form):
        try:
            forms[form] = export_model(data, model, out, form, "float32")
        except NotCoveredError as error:
            forms[form] = {"missing": str(error)}
    write_json(out / "package.json", forms)
    return forms
