"""Turns layers and masks into a program and the memory it works on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from safs.native import columns as c
from safs.native.codes import CODES, LINEAR, rising
from safs.native.layers import Layer
from safs.native.liveness import Outputs, outputs_of, sources
from safs.native.parameters import Indices, Layout
from safs.native.program import Memory, Program

LINE = 16  # floats of a cache line
PLANES = 4


@dataclass
class Lowered:
    """A program, its memory, and where the model's parameters are in it.

    Attributes:
        program: what the kernels walk through.
        memory: what they write.
        layout: places of the parameters in `memory.theta`.
        outputs: what is computed of every layer.
    """

    program: Program
    memory: Memory
    layout: Layout
    outputs: list[Outputs]


def lower(model: nn.Module, layers: list[Layer], masks: dict[str, NDArray[np.bool_]], groups: int) -> Lowered:
    """Lower a model.

    Args:
        model: the network.
        layers: its layers.
        masks: by parameter name, True where a weight is left; a weight without one is dense.
        groups: groups of 32 images of the largest batch.
    """
    return _Lowering(model, layers, masks, groups).result()


def _odd_lines(floats: int) -> int:
    """The next odd number of cache lines, in floats, so that equal places of planes fall into different cache sets."""
    return (-(-floats // LINE) | 1) * LINE


class _Lowering:
    def __init__(self, model: nn.Module, layers: list[Layer], masks: dict[str, NDArray[np.bool_]], groups: int) -> None:
        self.layers, self.groups = layers, groups
        self.names = {id(parameter): name for name, parameter in model.named_parameters()}
        flat = [self.names[id(layer.module.weight)] for layer in layers]
        shapes = [(len(layer.module.weight), layer.module.weight[0].numel()) for layer in layers]
        self.masks = [
            masks[name].reshape(shape) if name in masks else np.full(shape, True)
            for name, shape in zip(flat, shapes, strict=True)
        ]
        self.outputs = outputs_of(layers, self.masks)
        self.layout = Layout()
        self.table = np.zeros((len(layers), c.COLUMNS), np.int64)
        self.floats = 0
        self.rows: list[tuple[int, int]] = []  # (layer, output)
        self.lists: dict[str, list[Indices]] = {name: [] for name in ("places", "reach", "reads", "slopes")}
        self.weights: list[Indices] = []  # of a sparse layer, places in theta [outputs, inputs], -1 where left out
        self.biases: list[Indices | None] = []

    def result(self) -> Lowered:
        for i, layer in enumerate(self.layers):
            self._parameters(i, layer)
        self._buffers()
        for i, layer in enumerate(self.layers):
            self._stage(i, layer)
        program = self._program()
        return Lowered(program, self._memory(program), self.layout, self.outputs)

    def _room(self, floats: int) -> int:
        """A new place in the arena."""
        place = self.floats
        self.floats += -(-floats // LINE) * LINE
        return place

    def _append(self, name: str, values: Indices) -> int:
        """Add to one of the lists; where the values start in it."""
        start = sum(len(part) for part in self.lists[name])
        self.lists[name].append(values)
        return start

    def _parameters(self, i: int, layer: Layer) -> None:
        mask, t = self.masks[i], self.table[i]
        outputs, inputs = mask.shape
        name, there = self.names[id(layer.module.weight)], np.flatnonzero(mask)
        t[c.WEIGHT] = self.layout.size
        places = np.full(mask.size, -1)
        if self.outputs[i].dense:
            t[c.PITCH] = pitch = _odd_lines(inputs)
            here = (there // inputs) * pitch + there % inputs
            places[there] = self.layout.add(name, there, here, outputs * pitch)
        else:
            places[there] = self.layout.add(name, there)
        self.weights.append(places.reshape(mask.shape))
        bias = layer.module.bias
        self.biases.append(None if bias is None else self.layout.add(self.names[id(bias)], np.arange(outputs)))

    def _buffers(self) -> None:
        """Room for what goes from layer to layer, its gradients, and the sums before activations."""
        units = [int(np.prod(self.layers[0].shape))]
        units += [len(o.live) * layer.out[1] * layer.out[2] for o, layer in zip(self.outputs, self.layers, strict=True)]
        late = [o.dense and not layer.pooled for o, layer in zip(self.outputs, self.layers, strict=True)]
        for b, count in enumerate(units):
            plane = _odd_lines(8 * count)
            kept = (b < len(late) and late[b]) or (b > 0 and late[b - 1])
            group = PLANES * plane if kept else 0
            size = PLANES * plane * (self.groups if kept else 1)
            values, slopes = self._room(size), self._room(size) if b else -1
            if b < len(self.layers):
                t = self.table[b]
                t[c.IN], t[c.IN_PLANE], t[c.IN_GROUP], t[c.IN_SLOPE] = values, plane, group, slopes
                t[c.IN_SIZE] = 8 * count
            if b:
                t = self.table[b - 1]
                t[c.OUT], t[c.OUT_PLANE], t[c.OUT_GROUP], t[c.OUT_SLOPE] = values, plane, group, slopes
                t[c.SUM_PLANE] = plane
                t[c.SUM], t[c.WINNER] = self._room(PLANES * plane), self._room(PLANES * plane)

    def _stage(self, i: int, layer: Layer) -> None:
        t, outputs = self.table[i], self.outputs[i]
        width = layer.shape[2]
        _, out_height, out_width = layer.out
        t[c.DENSE], t[c.POOLED], t[c.AFTER_POOL] = outputs.dense, layer.pooled, layer.after_pool
        t[c.ROWS], t[c.CONSTANTS], t[c.ROW] = len(outputs.live), len(outputs.constant), len(self.rows)
        self.rows += [(i, int(o)) for o in (*outputs.live, *outputs.constant)]
        code = CODES[layer.site.operator.name] if layer.site else (LINEAR if layer.pooled else -1)
        t[c.OPERATOR], t[c.RISING] = code, rising(code)
        t[c.PER_CHANNEL] = layer.site is not None and layer.site.scales == "channel"
        down, right = layer.module.stride if isinstance(layer.module, nn.Conv2d) else (1, 1)
        window = 2 if layer.pooled else 1
        y, x = np.arange(out_height)[:, None] * down * window, np.arange(out_width)[None, :] * right * window
        places = 8 * (y * width + x).reshape(-1)
        t[c.PLACES], t[c.PLACE] = len(places), self._append("places", places)
        if layer.pooled:
            steps = [0, 8 * right, 8 * down * width, 8 * (down * width + right)]
        else:
            steps = [int(t[c.IN_PLANE]) * plane for plane in range(PLANES)]
        t[c.STEP1], t[c.STEP2], t[c.STEP3] = steps[1:]
        self.offsets = self._offsets(layer)
        if outputs.dense:
            t[c.INPUTS], t[c.REACH] = len(self.offsets), self._append("reach", self.offsets)
            self._reads(t, places, np.array(steps), layer.pooled)

    def _reads(self, t: Indices, places: Indices, steps: Indices, pooled: bool) -> None:
        """Pairs of offsets for a dense stage's weight gradients."""
        q = np.arange(len(places))
        if pooled:
            reads = (places[:, None] + steps[None, :]).reshape(-1)
            slopes = (32 * q[:, None] + 8 * np.arange(PLANES)[None, :]).reshape(-1)
        else:
            g, plane = np.arange(self.groups)[:, None, None], np.arange(PLANES)[None, :, None]
            reads = (g * t[c.IN_GROUP] + plane * t[c.IN_PLANE] + places).reshape(-1)
            slopes = (g * t[c.OUT_GROUP] + plane * t[c.OUT_PLANE] + 8 * q).reshape(-1)
        t[c.READ] = self._append("reads", reads)
        self._append("slopes", slopes)

    def _offsets(self, layer: Layer) -> Indices:
        """Offset of every input of an output from its position, all inputs present."""
        if isinstance(layer.module, nn.Linear):
            return 8 * np.arange(layer.module.in_features)
        _, height, width = layer.shape
        channel, y, x = np.indices((layer.module.in_channels, *layer.module.kernel_size))
        offsets: Indices = 8 * ((channel * height + y) * width + x).reshape(-1)
        return offsets

    def _program(self) -> Program:
        numbers = {row: number for number, row in enumerate(self.rows)}
        limits, fixed_limits = [], []
        entry_theta: list[int] = []
        entry_offset: list[int] = []
        fixed_theta: list[int] = []
        fixed_row: list[int] = []
        for i, output in self.rows:
            before, fixed_before = len(entry_theta), len(fixed_theta)
            if not self.outputs[i].dense:
                inputs = np.flatnonzero(self.masks[i][output])
                theta, offsets = self.weights[i][output, inputs], self._offsets(self.layers[i])[inputs]
                constant = np.full(len(inputs), False)
                if i:
                    channel = sources(self.layers, i, inputs)
                    constant = np.isin(channel, self.outputs[i - 1].constant)
                    fixed_theta += theta[constant].tolist()
                    fixed_row += [numbers[i - 1, int(o)] for o in channel[constant]]
                    slot = np.searchsorted(self.outputs[i - 1].live, channel)
                    block = 8 * int(np.prod(self.layers[i - 1].out[1:]))  # what goes before moves up
                    offsets = offsets - (channel - slot) * block
                entry_theta += theta[~constant].tolist()
                entry_offset += offsets[~constant].tolist()
            limits.append((before, len(entry_theta)))
            fixed_limits.append((fixed_before, len(fixed_theta)))
        bias = [-1 if (b := self.biases[i]) is None else int(b[o]) for i, o in self.rows]
        scale, value = self._scales()
        windows = [int(t[c.ROWS] * t[c.PLACES]) for t in self.table if t[c.POOLED]]
        scratch = [self._room(8 * PLANES * max(windows, default=0)) for _ in range(2)]
        lists = {name: _array(np.concatenate(parts) if parts else []) for name, parts in self.lists.items()}
        return Program(
            table=self.table,
            **lists,
            first=_array([a for a, _ in limits]),
            last=_array([b for _, b in limits]),
            first_fixed=_array([a for a, _ in fixed_limits]),
            last_fixed=_array([b for _, b in fixed_limits]),
            bias=_array(bias),
            scale=scale,
            scale_value=value,
            entry_theta=_array(entry_theta),
            entry_offset=_array(entry_offset),
            fixed_theta=_array(fixed_theta),
            fixed_row=_array(fixed_row),
            scratch=_array([*scratch, self._room(2 * LINE)]),
        )

    def _scales(self) -> tuple[Indices, NDArray[np.float32]]:
        """Places of every row's scales in theta, and the values of those that are not there."""
        learnt: dict[tuple[int, str], Indices] = {}
        for i, layer in enumerate(self.layers):
            if layer.site is not None and layer.site.scales != "fixed":
                for name, parameter in layer.site.named_parameters():
                    learnt[i, name] = self.layout.add(f"{layer.site_name}.{name}", np.arange(parameter.numel()))
        scale = np.full((len(self.rows), 4), -1, np.int64)
        value = np.ones((len(self.rows), 4), np.float32)
        for row, (i, output) in enumerate(self.rows):
            site = self.layers[i].site
            for j, (name, constant) in enumerate(site.operator.scales.items() if site else ()):
                if (i, name) in learnt:
                    scale[row, j] = learnt[i, name][output if site and site.scales == "channel" else 0]
                value[row, j] = constant
        return scale, value

    def _memory(self, program: Program) -> Memory:
        raw = np.zeros(self.floats + LINE, np.float32)
        start = (-raw.ctypes.data // 4) % LINE
        size, rows = self.layout.size, len(self.rows)
        keep = np.zeros(size, np.float32)
        for share in self.layout.shares:
            keep[share.here] = 1
        return Memory(
            arena=raw[start : start + self.floats],
            theta=np.zeros(size, np.float32),
            grad=np.zeros(size, np.float32),
            first=np.zeros(size, np.float32),
            second=np.zeros(size, np.float32),
            rate=np.zeros(size, np.float32),
            decay=np.zeros(size, np.float32),
            keep=keep,
            bias=np.zeros(rows, np.float32),
            scale=np.zeros((rows, 4), np.float32),
            value=np.zeros(rows, np.float32),
            bias_slope=np.zeros(rows, np.float32),
            scale_slope=np.zeros((rows, 4), np.float32),
            value_slope=np.zeros(rows, np.float32),
            fused=np.zeros(len(program.table), np.int64),
        )


def _array(values: object) -> Indices:
    return np.asarray(values, np.int64)
