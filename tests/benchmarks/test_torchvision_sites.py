from pathlib import Path

import pytest

from benchmarks.torchvision_sites import row, survey
from safs.files import read_json

pytest.importorskip("torchvision", reason="torchvision is not installed")


@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("squeezenet1_1", {"relu": 26}),
        ("mobilenet_v3_small", {"hardswish": 19, "relu": 14}),
        ("resnet18", {"relu": 17}),
    ],
)
def test_a_model_goes_through(name: str, operators: dict[str, int]):
    result = survey(f"torchvision:{name}", 64)
    assert (result["equal"], result["left"], result["operators"]) == (True, {}, operators)
    assert result["scales_trained"] == 2 * result["sites"] == 2 * sum(operators.values())
    assert 0 < result["loss"] < 10
    assert "equal" in row(result)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("architecture", "side", "sites"),
    [
        ("torchvision:densenet121", 64, 121),
        ("torchvision:googlenet", 64, 57),
        ("torchvision:shufflenet_v2_x0_5", 64, 37),
        ("torchvision:efficientnet_b0", 64, 49),
        ("torchvision:swin_t", 64, 12),
        ("torchvision:convnext_tiny", 64, 18),
        ("timm:resnet10t", 64, None),
        ("timm:vit_tiny_patch16_224", 32, None),
        ("timm:convnext_atto", 64, None),
        ("timm:regnety_002", 64, None),
        ("timm:ghostnet_100", 64, None),
        ("timm:mobilenetv4_conv_small", 64, None),
        ("timm:poolformer_s12", 64, None),
        ("timm:mixer_s32_224", 64, None),
    ],
)
def test_more_models_go_through(architecture: str, side: int, sites: int | None):
    pytest.importorskip(architecture.partition(":")[0])
    result = survey(architecture, side)
    assert (result["equal"], result["left"]) == (True, {})
    assert result["sites"] == sites if sites else result["sites"] > 5
    assert result["scales_trained"] == 2 * result["sites"]


def test_the_committed_table_holds_every_model_of_torchvision():
    import torchvision
    from torchvision import models

    table = read_json(Path(__file__).parents[2] / "benchmarks" / "results" / "torchvision-sites.json")
    results = {result["model"].removeprefix("torchvision:"): result for result in table["models"]}
    if torchvision.__version__.partition("+")[0] == table["torchvision"].partition("+")[0]:
        assert set(models.list_models(module=models)) == set(results)
    failed = [name for name, result in results.items() if not result.get("equal") or result["left"]]
    assert failed == []
    assert table["went_through"] == len(results)
