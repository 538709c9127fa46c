import pytest
import torch
from sklearn.metrics import f1_score, precision_score, recall_score

from safs.errors import SafsError
from safs.evaluation.alarms import MEASURES, alarm_curve, alarm_measures, summarise


def logits_for(predicted: list[int], classes: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(predicted), classes).float() * 5


def test_measures_of_a_small_example_are_as_counted_by_hand():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    measured = alarm_measures(logits_for([0, 0, 0, 1, 1, 0, 1], 3), labels, 0)
    assert measured["precision"] == pytest.approx(2 / 3)  # alarms of another kind are alarms all the same
    assert measured["recall"] == pytest.approx(2 / 3)
    assert measured["f1"] == pytest.approx(2 / 3)
    assert measured["false_alarm_rate"] == pytest.approx(1 / 4)
    assert measured["missed_alarm_rate"] == pytest.approx(1 / 3)


def test_two_classes_agree_with_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (200,), generator=generator)
    logits = torch.randn(200, 2, generator=generator) + torch.nn.functional.one_hot(labels, 2)
    for normal in (0, 1):
        measured = alarm_measures(logits, labels, normal)
        truth, raised = (labels != normal).numpy(), (logits.argmax(1) != normal).numpy()
        assert measured["f1"] == pytest.approx(f1_score(truth, raised))
        assert measured["precision"] == pytest.approx(precision_score(truth, raised))
        assert measured["recall"] == pytest.approx(recall_score(truth, raised))
        assert all(0 <= value <= 1 for value in measured.values())
        assert tuple(measured) == MEASURES


def test_perfect_and_silent_classifiers():
    labels = torch.tensor([0, 1, 0, 1])
    perfect = alarm_measures(logits_for([0, 1, 0, 1], 2), labels, 0)
    assert (perfect["f1"], perfect["average_precision"], perfect["false_alarm_rate"]) == (1, pytest.approx(1), 0)
    silent = alarm_measures(logits_for([0, 0, 0, 0], 2), labels, 0)
    assert (silent["f1"], silent["precision"], silent["missed_alarm_rate"]) == (0, 0, 1)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_alarms_of_one_kind_cannot_be_measured(labels: list[int]):
    with pytest.raises(SafsError, match="alarms cannot be measured"):
        alarm_measures(logits_for([0, 1], 2), torch.tensor(labels), 0)


def test_the_curve_goes_from_all_alarms_to_none():
    generator = torch.Generator().manual_seed(1)
    curve = alarm_curve(torch.randn(500, 2, generator=generator), torch.arange(500) % 2, 0)
    assert len(curve) == 50
    assert curve[0] == pytest.approx([1.0, 0.5], abs=0.01)
    assert curve[-1] == [0.0, 1.0]


def test_the_summary_has_the_mean_over_seeds():
    labels = torch.tensor([0, 1, 0, 1])
    measured = [alarm_measures(logits_for(p, 2), labels, 0) for p in ([0, 1, 0, 1], [0, 0, 0, 0])]
    assert summarise(measured)["f1"] == {"values": [1.0, 0.0], "mean": 0.5}
