import numpy as np
import pytest
import torch

from safs.activations import OPERATORS
from safs.errors import SafsError
from safs.export.checking import evaluated, relative_error
from safs.export.tracing import trace
from safs.models import ModelSpec, fresh_model
from safs.runtime.rules import SCALES
from tests.export.exported_networks import branches, randomise, spec_of

onnx = pytest.importorskip("onnx", reason="the form onnx is an extra: safs[onnx]")
from safs.export.onnx_file import OPSET, run_onnx, write_onnx  # noqa: E402


def lenet(operator="relu", scales="fixed"):
    sites = {"act1": operator, "act3": "tanh" if operator == "symexp" else operator}  # not an exp of an exp
    spec = ModelSpec("lenet5", (1, 16, 16), ("a", "b", "c"), (0.0,), (1.0,), sites, scales=scales)
    return randomise(fresh_model(spec), 2), spec


@pytest.mark.parametrize("scales", ["fixed", "channel"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_every_activation_is_written_in_standard_operators(operator, scales, tmp_path):
    model, spec = lenet(operator, scales)
    x = torch.randn(3, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    assert write_onnx(tmp_path / "m.onnx", trace(model, spec)) == (tmp_path / "m.onnx").stat().st_size
    assert relative_error(run_onnx(tmp_path / "m.onnx", x.numpy()), evaluated(model, x)) < 1e-5


def test_the_file_is_standard_and_takes_any_batch(tmp_path):
    write_onnx(tmp_path / "m.onnx", trace(*lenet()))
    made = onnx.load(tmp_path / "m.onnx")
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", OPSET)]
    assert {node.domain for node in made.graph.node} == {""}
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_sigmoids_of_squeeze_and_excitation_have_no_operator_of_their_own_in_the_search():
    assert {"sigmoid", "hardsigmoid"} == set(SCALES) - set(OPERATORS)


def test_a_mean_over_unequal_parts_is_refused_by_its_name(tmp_path):
    model, spec = branches(0)  # its parts of 3 x 2 columns overlap
    with pytest.raises(SafsError, match="adaptive"):
        write_onnx(tmp_path / "m.onnx", trace(model, spec))


def test_residuals_depthwise_strides_and_pools(tmp_path):
    model, spec = branches(1, [name for name in OPERATORS if name != "symexp"])
    model.adaptive, model.linear1 = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(12, 20)
    randomise(model, 4)
    x = torch.randn(5, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    write_onnx(tmp_path / "m.onnx", trace(model, spec_of(spec.input_shape, 5)))
    ours = run_onnx(tmp_path / "m.onnx", x.numpy())
    assert relative_error(ours, evaluated(model, x)) < 1e-5
    assert np.isfinite(ours).all()
