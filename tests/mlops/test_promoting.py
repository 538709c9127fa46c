"""Promotion, rollback and audit in a registry on SQLite, with real models."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from small_run import safs_here
from torch import nn

from safs.errors import SafsError
from safs.mlops.promoting import Promoter
from safs.mlops.tracking import open_client
from safs.mlops.versions import alias_table
from safs.promotion.rules import Rules
from tests.chain import Chain
from tests.mlops.registered import add_version

LOOSE = Rules(max_plausible_loss=0.1, max_latency_ratio=0)


@dataclass
class Place:
    """A registry with versions 1 and 2, as good as each other, and 3, which is no good."""

    client: MlflowClient
    uri: str
    folder: Path
    data: Path
    model: Path

    @property
    def promoter(self) -> Promoter:
        return Promoter(self.client, self.uri, "safs", self.folder)


def nudge(network: nn.Module) -> None:
    next(parameter for parameter in network.parameters() if parameter.ndim == 1).add_(1e-6)


def spoil(network: nn.Module) -> None:
    last = list(network.parameters())[-1]
    last[:] = torch.linspace(50, 0, len(last))


@pytest.fixture
def place(chain: Chain, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    uri = database
    place = Place(open_client(uri), uri, tmp_path, chain.data, chain.finetune / "seed-0" / "safs")
    for number, change in enumerate((id, nudge, spoil), start=1):
        assert add_version(place.client, uri, place.data, place.model, tmp_path, change) == str(number)
    return place


def test_a_champion_is_succeeded_brought_back_and_the_verdict_written_down(place: Place):
    first = place.promoter.promote("1", place.data, LOOSE)
    assert first.promoted
    assert first.champion is None
    assert alias_table(place.client, "safs") == {"champion": "1", "challenger": "3"}

    refused = place.promoter.promote("challenger", place.data, LOOSE)
    assert not refused.promoted
    assert "max_accuracy_loss" in refused.reason
    assert alias_table(place.client, "safs") == {"champion": "1", "challenger": "3"}

    dry = place.promoter.promote("2", place.data, LOOSE, dry=True)
    assert dry.promoted, dry.reason
    assert alias_table(place.client, "safs")["champion"] == "1"

    second = place.promoter.promote("2", place.data, LOOSE)
    assert second.promoted, second.reason
    assert second.difference is not None
    assert second.difference.value == 0
    assert alias_table(place.client, "safs") == {"champion": "2", "previous": "1", "challenger": "3"}
    with pytest.raises(SafsError, match="version 2 is the champion already"):
        place.promoter.promote("2", place.data, LOOSE)

    tags = place.client.get_model_version("safs", "2").tags
    assert tags["promotion.verdict"] == "passed"
    files = {file.path for file in place.client.list_artifacts(tags["promotion.run"])}
    assert files == {"verdict.json", "verdict.html"}
    assert place.client.get_run(tags["promotion.run"]).data.metrics["promote.accuracy_difference"] == 0
    assert place.client.get_model_version("safs", "3").tags["promotion.verdict"] == "refused"

    assert place.promoter.rollback("too many complaints") == ("1", "2")
    assert alias_table(place.client, "safs") == {"champion": "1", "challenger": "3"}
    with pytest.raises(SafsError, match=r"was rolled back .*too many complaints"):
        place.promoter.promote("2", place.data, LOOSE)
    with pytest.raises(SafsError, match="no version to go back to"):
        place.promoter.rollback("")


def test_the_challenger_that_is_promoted_is_challenger_no_more(place: Place):
    place.client.set_registered_model_alias("safs", "challenger", "1")
    place.promoter.promote("challenger", place.data, LOOSE)
    assert alias_table(place.client, "safs") == {"champion": "1"}
    with pytest.raises(SafsError, match="safs has no version 'challenger'; its aliases are: champion = 1"):
        place.promoter.promote("challenger", place.data, LOOSE)


def test_a_version_that_is_not_what_its_tags_say_is_refused(place: Place, capsys: pytest.CaptureFixture[str]):
    for tag in ("sparsity", "mask_fingerprint", "model_fingerprint", "weights_left"):
        before = place.client.get_model_version("safs", "2").tags[tag]
        place.client.set_model_version_tag("safs", "2", tag, "0.5")
        with pytest.raises(SafsError, match=f"failed its audit: tag {tag} is 0.5"):
            place.promoter.promote("2", place.data, LOOSE)
        place.client.set_model_version_tag("safs", "2", tag, before)
    assert place.client.get_model_version("safs", "2").tags["promotion.verdict"] == "refused"
    done = safs_here(capsys, "audit", "--version", "2", "--workspace", place.folder)
    assert done.code == 0, done.err
    place.client.delete_model_version_tag("safs", "2", "mask_fingerprint")
    done = safs_here(capsys, "audit", "--version", "2", "--workspace", place.folder)
    assert done.code == 1
    assert "mask_fingerprint is missing" in done.err


def test_weights_that_were_changed_in_the_store_are_found(place: Place, capsys: pytest.CaptureFixture[str]):
    weights = min((place.folder / "mlartifacts").rglob("model.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    codes = [safs_here(capsys, "audit", "--version", version, "--workspace", place.folder) for version in "123"]
    assert sorted(done.code for done in codes) == [0, 0, 1]
    assert "is damaged" in "".join(done.err for done in codes)


def test_the_command_says_what_came_of_it(place: Place, capsys: pytest.CaptureFixture[str]):
    rules = place.folder / "rules.yaml"
    rules.write_text("max_latency_ratio: 0\n")
    given = ["--data", place.data, "--rules", rules, "--workspace", place.folder]
    done = safs_here(capsys, "promote", "--version", "1", *given, "--out", place.folder / "out")
    assert done.code == 0, done.err
    assert "safs version 1 is the champion: first champion" in done.out
    assert json.loads((place.folder / "out" / "verdict.json").read_text())["promoted"] is True
    done = safs_here(capsys, "promote", *given)
    assert done.code == 3, done.err
    assert "safs version 3 was refused: max_accuracy_loss" in done.out
    done = safs_here(capsys, "rollback", "--workspace", place.folder)
    assert done.code == 1
    assert "no version to go back to" in done.err
    done = safs_here(capsys, "promote", *given, "--model-name", "none")
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert "the registry has no model 'none'" in done.err
