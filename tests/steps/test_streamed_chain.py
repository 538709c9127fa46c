"""Every step does on a data set that stays on disk what it does on one in memory."""

from pathlib import Path

from safs.steps.evaluate import evaluate
from tests.chain import Chain, contents, run_chain

TINY = 1e-7  # GiB


def test_a_budget_changes_no_output(chain: Chain, tmp_path: Path):
    streamed = run_chain(chain.data, tmp_path, memory_gib=TINY)
    for step in ("pretrain", "prune", "search", "finetune"):
        assert contents(getattr(streamed, step)) == contents(getattr(chain, step)), step
    for name, gib in (("streamed", TINY), ("held", 1)):
        evaluate(chain.data, chain.pretrain, chain.finetune, tmp_path / name, 1, 0, memory_gib=gib)
    assert contents(tmp_path / "streamed") == contents(tmp_path / "held")
