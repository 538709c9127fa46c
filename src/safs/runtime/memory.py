"""Who gets which memory when: planes of tensors that are no longer read make room for others."""

from dataclasses import dataclass

from safs.runtime.lanes import WIDTH

HEAD = 64  # floats before everything: room for a single vector


@dataclass
class Block:
    """A piece of memory for planes of one measure: what is zero in one tensor must be zero in the next."""

    key: tuple[object, ...]
    start: int
    stride: int
    count: int


class Memory:
    """Gives out blocks of one array, and takes them back for tensors of the same measure."""

    def __init__(self) -> None:
        self.top = HEAD
        self.slack = 4 * WIDTH
        self.free: dict[tuple[object, ...], list[Block]] = {}

    def take(self, count: int, length: int, guard: int, key: tuple[object, ...]) -> Block:
        """A block of `count` planes of `length` floats with `guard` zeros around each."""
        stride = 1 if length == 1 else -(-max(length + guard, -(-length // WIDTH) * WIDTH) // WIDTH) * WIDTH
        guard = -(-guard // WIDTH) * WIDTH
        key = (*key, length, stride, guard)
        fitting = [block for block in self.free.get(key, []) if block.count >= count]
        if fitting:
            block = min(fitting, key=lambda block: block.count)
            self.free[key].remove(block)
            return block
        start = -(-(self.top + guard) // 16) * 16
        self.top = start + count * stride
        self.slack = max(self.slack, guard + stride + 16 * WIDTH)
        return Block(key, start, stride, count)

    def give_back(self, block: Block) -> None:
        """Let a later tensor have a block."""
        self.free.setdefault(block.key, []).append(block)

    @property
    def size(self) -> int:
        """Floats of the array."""
        return self.top + self.slack
