from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from safs.activations import OPERATORS
from safs.data.tensors import normalise
from safs.errors import SafsError
from safs.export.checking import evaluated, relative_error
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.models import ModelSpec, fresh_model
from safs.runtime import Model, load
from safs.runtime.costs import INTERLEAVES, Costs, Schedule, waists
from safs.runtime.fusing import Group, Plan, plan
from safs.runtime.lanes import WIDTH
from safs.runtime.lowering import lower
from safs.runtime.model import Prepared
from safs.runtime.network import Node
from safs.runtime.program import Kind
from safs.runtime.rules import shapes_of
from tests.export.exported_networks import Signal, branches, randomise, spec_of

CALM = [name for name in OPERATORS if name != "symexp"]  # exp of exp of a rounded number is another number
ONE_BY_ONE = Schedule(1, 0, 0.0, 0.0)


def images(shape, count, seed=0):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def error(network, model, shape, count, signal=False):
    x = images(shape, count)
    wanted = evaluated(model, x[:, :, 0] if signal else x)
    return relative_error(Model(network).predict(x.numpy()), wanted)


@pytest.mark.parametrize("seed", range(20))
def test_a_network_gives_what_the_model_gives_for_every_batch_size(seed):
    model, spec = branches(seed, CALM, ("fixed", "layer", "channel")[seed % 3])
    x = images(spec.input_shape, 40, seed)
    wanted, runtime = evaluated(model, x), Model(trace(model, spec))
    for count in range(1, 41):
        assert relative_error(runtime.predict(x[:count].numpy()), wanted[:count]) < 1e-5


def test_signals_of_one_dimension():
    model = randomise(Signal(), 2)
    network = trace(model, spec_of((2, 1, 40), 3))
    for count in (1, 9, 17):
        assert error(network, model, (2, 1, 40), count, signal=True) < 1e-5


@pytest.mark.parametrize("sparsity", [0.0, 0.9, 0.99, 1.0])
def test_lenet_at_every_sparsity(sparsity):
    spec = ModelSpec("lenet5", (1, 28, 28), tuple("0123456789"), (0.0,), (1.0,), {"act1": "mish", "act3": "falu"})
    model = randomise(fresh_model(spec), 1, sparsity)
    for count in (1, 5, 32):
        assert error(trace(model, spec), model, spec.input_shape, count) < 1e-5


@settings(max_examples=120)
@given(st.data())
def test_convolutions_of_all_measures(data):
    high, wide, channels, out = (data.draw(st.integers(1, most)) for most in (9, 24, 4, 4))
    groups = data.draw(st.sampled_from([g for g in (1, 2, 4) if g <= min(channels, out)]))
    kernel, stride, padding, dilation = (
        (data.draw(st.integers(least, most)), data.draw(st.integers(least, most)))
        for least, most in ((1, 5), (1, 3), (0, 2), (1, 2))
    )
    sides = [
        side + 2 * p - d * (k - 1) - 1 for side, k, p, d in zip((high, wide), kernel, padding, dilation, strict=True)
    ]
    assume(min(sides) >= 0)
    assume(all(p < d * (k - 1) + 1 + s for p, d, k, s in zip(padding, dilation, kernel, stride, strict=True)))
    first = nn.Conv2d(channels * groups, out * groups, kernel, stride, padding, dilation, groups)
    layers = [first, nn.Conv2d(out * groups, 3, data.draw(st.integers(1, 3)), padding=1), nn.Softplus()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    randomise(model, data.draw(st.integers(0, 99)), data.draw(st.sampled_from([0.0, 0.6])))
    network = trace(model, spec_of((channels * groups, high, wide), 3))
    for count in (1, 8, 9):
        assert error(network, model, (channels * groups, high, wide), count) < 1e-5


@settings(max_examples=60)
@given(st.data())
def test_poolings_of_all_measures(data):
    high, wide = data.draw(st.integers(3, 11)), data.draw(st.integers(3, 26))
    kernel = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    stride = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    include, parts = data.draw(st.booleans()), (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
    pool = data.draw(
        st.sampled_from(
            [
                nn.MaxPool2d(kernel, stride, padding),
                nn.MaxPool2d(kernel, stride, padding, ceil_mode=True),
                nn.AvgPool2d(kernel, stride, padding, count_include_pad=include),
                nn.AdaptiveAvgPool2d(parts),
            ]
        )
    )
    model = nn.Sequential(pool, nn.Conv2d(2, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    randomise(model, 0, 0.3)
    network = trace(model, spec_of((2, high, wide), 3))
    for count in (1, 8):
        assert error(network, model, (2, high, wide), count) < 1e-5


def test_a_file_runs_and_classifies_pixels(tmp_path):
    model, spec = branches(3, CALM)
    spec = ModelSpec(spec.architecture, spec.input_shape, spec.classes, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    write(tmp_path / "model.safs", trace(model, spec))
    runtime = load(str(tmp_path / "model.safs"))
    pixels = np.random.default_rng(0).random((4, *spec.input_shape))
    mean, std = (np.array(v).reshape(-1, 1, 1) for v in (spec.mean, spec.std))
    wanted = evaluated(model, torch.from_numpy((pixels - mean) / std))
    assert relative_error(runtime.classify(pixels), wanted) < 1e-5
    assert runtime.classes == spec.classes


def test_a_file_reads_values_off_their_curves(tmp_path):
    model, spec = branches(3, CALM)
    curves = (((0.0, 0.3, 1.0), (0.0, 0.9, 1.0)),) * 3
    spec = replace(spec, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), curves=curves)
    write(tmp_path / "model.safs", trace(model, spec))
    pixels = torch.rand(4, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    wanted = evaluated(model, normalise(pixels, spec.mean, spec.std, curves))
    assert relative_error(load(tmp_path / "model.safs").classify(pixels), wanted) < 1e-5


@pytest.mark.parametrize("shape", [(3, 20, 20), (0, 3, 20, 21), (2, 1, 20, 21), (2, 3, 21, 20), ()])
def test_images_of_another_shape_are_refused(shape):
    runtime = Model(trace(*branches(0)))
    for call in (runtime.predict, runtime.classify):
        with pytest.raises(SafsError, match=r"\('batch', 3, 20, 21\)"):
            call(np.zeros(shape, np.float32))


def test_many_threads_and_many_cores_give_what_one_gives(monkeypatch):
    monkeypatch.setattr("safs.runtime.model.SHARE", 1.0)  # these networks are too small to be shared otherwise
    model, spec = branches(5, CALM)
    network = trace(model, spec)
    batches = [images(spec.input_shape, count, count).numpy() for count in (1, 33, 7, 64, 16, 3) * 6]
    alone = [Model(network).predict(x) for x in batches]
    for cores in (1, 3):
        runtime = Model(network, threads=cores)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(runtime.predict, batches))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_second_call_sees_nothing_of_the_first():
    model, spec = branches(6, CALM)
    runtime = Model(trace(model, spec))
    x = images(spec.input_shape, 20).numpy()
    before = runtime.predict(x)
    runtime.predict(np.full_like(x, 1e30))
    runtime.predict(np.full_like(x, np.nan))
    assert np.array_equal(runtime.predict(x), before)


def planned(model, spec):
    network = trace(model, spec)
    return plan(network, shapes_of(network))


def kinds(model, spec):
    return [op[0] for op in lower(planned(model, spec), ONE_BY_ONE).ops]


def test_a_linear_layer_runs_densely_where_it_is_dense():
    spec = spec_of((1, 5, 5), 20)
    dense = nn.Sequential(nn.Flatten(), nn.Linear(25, 20))
    assert Kind.DENSE_DOT in kinds(randomise(dense, 0, 0.0), spec)
    assert Kind.SPARSE_DOT in kinds(randomise(dense, 0, 0.9), spec)


def test_a_sum_and_an_activation_cost_no_operation_of_their_own():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.act = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Mish()

        def forward(self, x):
            y = self.conv1(x)
            return self.act(self.conv2(y) + y).mean((2, 3))

    model = randomise(Block(), 0)
    assert kinds(model, spec_of((2, 6, 6), 4)) == [Kind.INPUT, Kind.CONV, Kind.CONV, Kind.MEANS, Kind.OUTPUT]


def test_channels_that_nobody_reads_are_not_computed():
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    randomise(model, 0, 0.0)
    with torch.no_grad():
        model[1].weight[:, 2:] = 0
    network = trace(model, spec_of((1, 6, 6), 2))
    program = lower(plan(network, shapes_of(network)), ONE_BY_ONE)
    assert [op[3] for op in program.ops if op[0] == Kind.CONV] == [2, 2]
    assert error(network, model, (1, 6, 6), 3) < 1e-5


@pytest.mark.parametrize("channels", [8, 80])
def test_rows_that_read_much_of_the_same_are_computed_two_at_a_time(channels):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(2, channels, 3, padding=1), nn.Conv2d(channels, 11, 3, padding=1)
            self.conv3, self.mish = nn.Conv2d(11, 11, 3, padding=1), nn.Mish()

        def forward(self, x):
            y = self.conv2(torch.relu(self.conv1(x)))
            return self.mish(self.conv3(y) + y).mean((2, 3))

    model = randomise(Block(), 0, 0.3)
    spec = spec_of((2, 3 * WIDTH, WIDTH), 11)  # too narrow to be folded
    program = lower(planned(model, spec), ONE_BY_ONE)
    operations = [op[0] for op in program.ops]
    assert operations.count(Kind.CONV_PAIRS) == 2
    assert operations.count(Kind.CONV) == 3  # the first layer has few nonzeros a row, and eleven are not even
    x, logits = images(spec.input_shape, 1), np.empty((1, 11), np.float32)
    Prepared(program, spec.input_shape, 11)(x.numpy(), logits)
    assert relative_error(logits, evaluated(model, x)) < 1e-5


@pytest.mark.parametrize("interleave", [1, WIDTH])
@pytest.mark.parametrize("size", [(3, 3), (4, 3), (1, 2), (30, 3)])
def test_two_taps_of_a_wide_kernel_may_read_the_same_padding(size, interleave):
    model, spec = (
        nn.Sequential(nn.Conv2d(2, 4, 7, padding=3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        spec_of((2, *size), 4),
    )
    program = lower(planned(randomise(model, 0, 0.0), spec), Schedule(interleave, 0, 0, 0))
    x, logits = images(spec.input_shape, interleave), np.empty((interleave, 4), np.float32)
    Prepared(program, spec.input_shape, 4)(x.numpy(), logits)
    assert relative_error(logits, evaluated(model, x)) < 1e-5


@pytest.mark.parametrize("interleave", [1, WIDTH])
def test_convolutions_with_the_same_stride_share_the_phases_of_what_they_read(interleave):
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            kernels = ((3, 1, 1), (1, 0, 1), (5, 2, 1), (3, 2, 2), (3, 0, 1))  # the last gives another size
            self.convs = nn.ModuleList(nn.Conv2d(3, 4, k, stride=2, padding=p, dilation=d) for k, p, d in kernels)

        def forward(self, x):
            a, b, c, d, e = (conv(x) for conv in self.convs)
            return torch.cat([torch.relu(a * b + c * d).mean((2, 3)), e.mean((2, 3))], 1)

    model, spec = randomise(Branches(), 0, 0.5), spec_of((3, 11, 14), 8)
    program = lower(planned(model, spec), Schedule(interleave, 0, 0, 0))
    assert [op[0] for op in program.ops].count(Kind.PHASES) == 1
    x, logits = images(spec.input_shape, interleave), np.empty((interleave, 8), np.float32)
    Prepared(program, spec.input_shape, 8)(x.numpy(), logits)
    assert relative_error(logits, evaluated(model, x)) < 1e-5


@pytest.mark.parametrize("cut", [0, 2])
def test_channels_that_depend_on_no_input_are_computed_once(cut):
    model = nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), nn.Mish(), nn.Conv2d(6, 6, 3, padding=1), nn.SiLU()),
        *(nn.Conv2d(6, 6, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    randomise(model, 0, 0.4)
    with torch.no_grad():
        for layer, silent in ((0, [0, 2, 3]), (2, [1, 3, 4, 5]), (4, [5])):
            model[layer].weight[silent] = 0
    spec = spec_of((2, 9, 9), 6)
    program = lower(planned(model, spec), Schedule(WIDTH, cut, 0, 0))
    convolutions = [op[3] for op in program.ops if op[0] == Kind.CONV]
    assert program.once == 3
    assert convolutions == [3, 4, 1, 3, 2, 5]
    prepared = Prepared(program, spec.input_shape, 6)
    for count in (WIDTH, 3, 1, WIDTH):  # what is computed once stays
        x, logits = images(spec.input_shape, count, seed=count), np.empty((count, 6), np.float32)
        prepared(x.numpy(), logits)
        assert relative_error(logits, evaluated(model, x)) < 1e-5


def test_small_planes_of_many_images_share_vectors():
    runtime = Model(trace(*branches(0)))
    assert runtime._choose(1)[0].interleave == 1
    assert runtime._choose(64)[0].interleave > 1


@pytest.mark.parametrize("interleave", INTERLEAVES[1:])
def test_layers_may_come_image_by_image_up_to_any_waist(interleave):
    model, spec = branches(2, CALM)
    x = images(spec.input_shape, interleave).numpy()
    plans, expected = planned(model, spec), evaluated(model, torch.from_numpy(x))
    cuts = [at for at, waist in enumerate(waists(plans)) if waist is not None]
    assert len(cuts) > 3
    for at in cuts:
        program = lower(plans, Schedule(interleave, at, 0, 0))
        assert program.alone > 0
        prepared = Prepared(program, spec.input_shape, len(spec.classes))
        for count in (interleave, 1, 3):
            logits = np.empty((count, len(spec.classes)), np.float32)
            prepared(x[:count], logits)
            assert relative_error(logits, expected[:count]) < 1e-5


def test_a_waist_is_what_alone_is_handed_on():
    def group(end, *inputs, residual=None):
        return Group(Node("add", inputs), end, inputs, residual)

    groups = [group(0), group(1, 0), group(2, 1), group(3, 2, residual=1), group(4, 3)]
    assert waists(Plan(groups, [])) == [None, 0, 1, None, 3]


def test_the_first_layers_of_a_large_network_come_image_by_image():
    spec = ModelSpec("resnet18", (3, 32, 32), tuple("0123456789"), (0.0,) * 3, (1.0,) * 3)
    costs = Costs(planned(randomise(fresh_model(spec), 0, 0.95), spec))
    schedules = {schedule.interleave: schedule for schedule in costs.schedules}
    assert 0 < schedules[WIDTH].alone < len(costs.plan.groups)
    assert costs.cheapest(1)[0].interleave == 1
    assert costs.cheapest(32)[0].interleave > 1
    cost = {count: min(s.cost(count) for s in costs.schedules if s.interleave >= count) for count in (1, 4, WIDTH)}
    assert cost[1] < cost[4] < cost[WIDTH] < WIDTH * cost[1]
