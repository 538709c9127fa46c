"""What a model becomes for production: one file that holds what is left of it."""

from pathlib import Path
from typing import Any

from safs.export.forms import Form, Values
from safs.steps.context import Context
from safs.steps.work import work_folder


def export(
    data: Path,
    model: Path,
    out: Path,
    form: Form = "sparse",
    values: Values = "float32",
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Export a model, and check on validation data that it gives what the evaluated model gives.

    Args:
        data: Data set folder, the output of prepare.
        model: Model folder, such as selection/model.
        out: Folder to write the exported model and export.json to.
        form: What to write; sparse is one file, model.safs, that safs.runtime runs without torch; onnx is model.onnx,
            opset 17, dense.
        values: Type of the weights that are left in the sparse form.

    Raises:
        SafsError: a layer is not covered, an input is missing or damaged, or the exported model is not equal to the
            model: by more than 1e-5 relative, or 1e-2 where its weights are rounded to float16.
    """
    from safs.export.exporting import export_model
    from safs.files import write_json

    context.tracker.progress(0, 1, form)
    with work_folder("export", out, context, data=data, model=model, form=form, values=values) as work:
        summary = export_model(data, model, work, form, values)
        write_json(work / "export.json", summary)
    context.tracker.metrics({name: value for name, value in summary.items() if isinstance(value, int | float)})
    context.tracker.progress(1, 1, f"{summary['bytes']:,} bytes, 1/{summary['times_smaller']:.0f} of the dense model")
    return summary
