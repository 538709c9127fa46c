"""Every step, run one after the other on a few digits."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from safs.activations import OPERATORS, scale_parameters
from safs.data import load_info
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.evaluation.measurement import VARIANTS
from safs.files import COST, fingerprint, read_json, write_json
from safs.models import load_model, load_spec
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.searching.study import read_study
from safs.steps import STEPS
from safs.steps.arguments import check_arguments, step_parameters
from safs.steps.context import Context
from safs.steps.evaluate import evaluate
from safs.steps.finetune import finetune
from safs.steps.prepare import prepare
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from safs.steps.search import search
from safs.steps.select import select
from safs.training.trainer import measure
from tests.chain import FINETUNE, PRETRAIN, SEARCH, Chain, contents, copy_of
from tests.data.archives import cifar_members, write_tar
from tests.steps.trackers import Recorder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {COST}


def test_prepare_writes_the_data_set(digits_folder: Path, tmp_path: Path):
    tracker = Recorder()
    summary = prepare(tmp_path / "data", context=Context(tracker))
    info = load_info(tmp_path / "data")
    assert contents(tmp_path / "data") == contents(digits_folder)
    assert files(tmp_path / "data") == {"dataset.json", "report.html"} | {
        f"{p}_{a}.npy" for p in info.sizes for a in "xy"
    }
    assert summary["fingerprint"] == info.fingerprint
    assert tracker.datasets == [("digits", info.fingerprint)]
    assert tracker.done[-1] == (1, 1)


def test_prepare_keeps_a_part_of_the_images_and_normalises_by_channel(tmp_path: Path):
    write_tar(tmp_path / "cifar10-jpeg.tar.xz", cifar_members())
    prepare(tmp_path / "data", "cifar10", str(tmp_path), max_examples=30)
    info = load_info(tmp_path / "data")
    assert info.sizes == {"train": 20, "validation": 5, "test": 5}
    x = load_tensors(tmp_path / "data", "train").x
    assert x.mean((0, 2, 3)).abs().max() < 1e-5
    assert (x.std((0, 2, 3), correction=0)[:2] - 1).abs().max() < 1e-4


def test_prepare_refuses_what_it_does_not_know(tmp_path: Path):
    with pytest.raises(SafsError, match="unknown data set"):
        prepare(tmp_path / "data", dataset="cifar")
    assert list(tmp_path.iterdir()) == []


def test_pretrain_writes_a_trained_model_a_seed(chain: Chain):
    assert files(chain.pretrain) == {f"seed-{s}/model.{e}" for s in (0, 1) for e in ("json", "safetensors")}
    validation = load_tensors(chain.data, "validation")
    for seed in PRETRAIN["seeds"]:
        model, spec = load_model(chain.pretrain / f"seed-{seed}")
        assert spec.seed == seed
        assert spec.sparsity == 0
        assert spec.classes == load_info(chain.data).classes
        assert measure(model, validation).accuracy > 0.2  # chance is 0.1


def test_pretrain_reports_the_accuracy_of_each_seed(chain: Chain, tmp_path: Path):
    tracker = Recorder()
    pretrain(chain.data, tmp_path / "out", context=Context(tracker), **PRETRAIN)
    validation = load_tensors(chain.data, "validation")
    for seed in PRETRAIN["seeds"]:
        model, _ = load_model(tmp_path / "out" / f"seed-{seed}")
        assert tracker.seen[f"validation_accuracy_seed_{seed}"] == measure(model, validation).accuracy
    assert tracker.children == ["seed-0", "seed-1"]
    assert tracker.done == [(i, 4) for i in range(1, 5)]


def test_pretrain_refuses_an_unknown_model(chain: Chain, tmp_path: Path):
    with pytest.raises(SafsError, match=r"unknown model 'lenet'; did you mean 'lenet5'\?"):
        pretrain(chain.data, tmp_path / "out", model="lenet", **PRETRAIN)
    assert not (tmp_path / "out").exists()


def test_prune_keeps_the_weights_of_the_dense_models_or_zero(chain: Chain):
    assert files(chain.prune) == files(chain.pretrain) | {f"seed-{s}/audit.json" for s in (0, 1)}
    for seed in PRETRAIN["seeds"]:
        dense, _ = load_model(chain.pretrain / f"seed-{seed}")
        sparse, spec = load_model(chain.prune / f"seed-{seed}")
        assert spec.sparsity == 0.9
        masks = masks_of(sparse)
        for name, value in sparse.state_dict().items():
            expected = dense.state_dict()[name]
            assert torch.equal(value, expected * masks[name] if name in masks else expected)
        assert [int((~mask).sum()) for mask in masks.values()] == [135, 2_160, 27_648, 9_072, 756]


def test_prune_writes_the_audit_of_each_mask(chain: Chain):
    for seed in PRETRAIN["seeds"]:
        found = read_json(chain.prune / f"seed-{seed}" / "audit.json")
        assert [layer["kept"] for layer in found["layers"]] == [15, 240, 3_072, 1_008, 84]
        assert all(0 < layer["live"] <= layer["kept"] for layer in found["layers"])
        assert found["kept"] == 4_419
        assert 0 < found["ceiling"] <= 1
        assert found["classes"] == 10


def test_prune_can_train_cover_and_ignore(chain: Chain, tmp_path: Path):
    tracker = Recorder()
    more = {"prune_schedule": "gradual", "prune_epochs": 1, "coverage": True, "ignore": ["fc3"], "scope": "erk"}
    prune(chain.data, chain.pretrain, tmp_path / "out", 0.98, **more, criterion="gradient", context=Context(tracker))
    for seed in PRETRAIN["seeds"]:
        found = read_json(tmp_path / "out" / f"seed-{seed}" / "audit.json")
        assert len(found["covered"]) == 10
        assert found["kept"] == 43_350 - round(0.98 * 43_350) + 840
        assert found["layers"][-1]["kept"] == 840
    assert tracker.children == ["seed-0", "seed-1"]
    assert tracker.done[-1] == (2, 2)
    assert tracker.seen["classes_covered"] == 10


@pytest.mark.parametrize(
    "arguments",
    [
        {"sparsity": 1.0},
        {"sparsity": -0.1},
        {"scope": "none"},
        {"criterion": "none"},
        {"prune_schedule": "none"},
        {"ignore": ["none"]},
        {"rewind": True},
    ],
)
def test_prune_refuses_what_is_out_of_range(chain: Chain, tmp_path: Path, arguments: dict[str, Any]):
    with pytest.raises(SafsError):
        prune(chain.data, chain.pretrain, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_search_writes_the_best_operators_of_its_journal(chain: Chain):
    assert files(chain.search) == {"study.json"} | {f"seed-{s}.{e}" for s in (0, 1) for e in ("json", "jsonl")}
    studies = read_study(chain.search)
    assert [study.seed for study in studies] == PRETRAIN["seeds"]
    for study in studies:
        result = read_json(chain.search / f"seed-{study.seed}.json")
        outcomes = Journal(chain.search / f"seed-{study.seed}.jsonl").outcomes
        assert len(outcomes) == len(study.trials) == SEARCH["candidates"]
        assert result["seed"] == study.seed
        assert result["activations"] == study.winner.activations
        assert list(result["activations"]) == ["act1", "act2", "act3", "act4"]
        assert set(result["activations"].values()) <= set(SEARCH["operators"])
        assert result["validation_accuracy"] == max(accuracy for ((accuracy, _),) in outcomes.values())
        assert (study.architecture, study.sparsity, study.epochs) == ("lenet5", 0.9, SEARCH["candidates"])


def test_search_reports_every_candidate(chain: Chain, tmp_path: Path):
    tracker = Recorder()
    summary = search(chain.data, chain.prune, tmp_path / "out", context=Context(tracker), **SEARCH)
    assert tracker.children == [f"seed-{s} candidate-{n}" for s in (0, 1) for n in range(3)]
    assert tracker.done == [(i, 6) for i in range(1, 7)]
    assert tracker.files[0].name == "study.json"
    assert tracker.seen["search_epochs_seed_1"] == 3
    assert summary["sparsity"] == 0.9
    assert summary["seed_1"] == " ".join(read_json(tmp_path / "out" / "seed-1.json")["activations"].values())
    assert contents(tmp_path / "out") == contents(chain.search)


def test_search_climbs_a_ladder_with_any_strategy_and_starts_from_an_earlier_search(chain: Chain, tmp_path: Path):
    tracker = Recorder()
    ladder = {"candidates": 4, "search_epochs": 2, "min_epochs": 1, "halving": 4, "strategy": "tpe"}
    changes = {**SEARCH, **ladder, "objective": "pareto", "warm_start": str(chain.search)}
    search(chain.data, chain.prune, tmp_path / "out", **changes, context=Context(tracker))
    names = [f"candidate-{n}" for n in range(4)]
    assert [name for name in tracker.children if "epochs" not in name] == [
        f"seed-{s} {n}" for s in (0, 1) for n in names
    ]
    assert any(name.endswith("epochs-2") for name in tracker.children)
    first, second = read_study(tmp_path / "out")
    tried = [trial.activations for trial in first.trials]
    assert any(study.winner.activations in tried for study in read_study(chain.search))
    assert first.front
    assert first.plan.strategy == second.plan.strategy == "tpe"


def test_search_refuses_what_it_cannot_start_from(chain: Chain, tmp_path: Path):
    with pytest.raises(SafsError, match="is not the record of a search"):
        search(chain.data, chain.prune, tmp_path / "out", warm_start=str(chain.search / "seed-0.json"))
    with pytest.raises(SafsError, match="knows no MLflow"):
        search(chain.data, chain.prune, tmp_path / "out", warm_start="mlflow:0")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("operators", [["relu"], ["relu", "relu"], ["relu", "tahn"]])
def test_search_refuses_operators_it_cannot_choose_from(chain: Chain, tmp_path: Path, operators: list[str]):
    with pytest.raises(SafsError, match="operator"):
        search(chain.data, chain.prune, tmp_path / "out", operators=operators)
    assert not (tmp_path / "out").exists()


def test_search_without_operators_takes_all(chain: Chain, tmp_path: Path):
    search(chain.data, chain.prune, tmp_path / "out", candidates=4, search_epochs=1)
    tried = {
        name
        for trial in Journal(tmp_path / "out" / "seed-0.jsonl").outcomes
        for name in OPERATORS
        if f'"{name}"' in trial
    }
    assert tried - set(SEARCH["operators"])


def test_finetune_writes_four_variants_on_one_mask(chain: Chain):
    kinds = ("model.json", "model.safetensors", "training.json")
    models = {f"seed-{s}/{v}/{k}" for s in (0, 1) for v in VARIANTS[1:] for k in kinds}
    journals = {f"seed-{s}-{v}.jsonl" for s in (0, 1) for v in ("stage2", "safs")}
    records = {f"seed-{s}/{v}/insight.json" for s in (0, 1) for v in ("relu", "safs")}
    assert files(chain.finetune) == models | journals | records | {"study.json"}
    validation = load_tensors(chain.data, "validation")
    for seed in PRETRAIN["seeds"]:
        pruned, _ = load_model(chain.prune / f"seed-{seed}")
        found = read_json(chain.search / f"seed-{seed}.json")["activations"]
        for variant in VARIANTS[1:]:
            folder = chain.finetune / f"seed-{seed}" / variant
            model, spec = load_model(folder)
            masks = masks_of(pruned)
            assert all(not (mask & ~masks[name]).any() for name, mask in masks_of(model).items())
            assert spec.activations == (found if variant in {"stage1", "safs"} else dict.fromkeys(found, "relu"))
            assert spec.scales == ("layer" if variant in {"stage2", "safs"} else "fixed")
            assert (spec.seed, spec.sparsity) == (seed, 0.9)
            assert read_json(folder / "training.json")["validation_accuracy"] == measure(model, validation).accuracy


def test_finetune_trains_the_untuned_variants_with_the_defaults(chain: Chain, tmp_path: Path):
    tracker = Recorder()
    defaults = {"optimizer": "sgd", "learning_rate": 2e-3, "weight_decay": 1e-3, "batch_size": 50}
    out = tmp_path / "out"
    finetune(chain.data, chain.prune, chain.search, out, **FINETUNE, **defaults, context=Context(tracker))
    for variant in ("relu", "stage1"):
        used = read_json(out / "seed-0" / variant / "training.json")["hyperparameters"]
        assert {name: used[name] for name in defaults} == defaults
    assert tracker.done == [(i, 16) for i in range(1, 17)]
    assert [name for name in tracker.children if "trial" not in name] == [
        f"seed-{s} {v}" for s in (0, 1) for v in VARIANTS[1:]
    ]


def test_finetune_records_nothing_where_nothing_is_asked_for(chain: Chain, tmp_path: Path):
    finetune(chain.data, chain.prune, chain.search, tmp_path / "out", **FINETUNE, insight_every=0)
    written, expected = contents(tmp_path / "out"), contents(chain.finetune)
    assert written == {name: digest for name, digest in expected.items() if not name.endswith("insight.json")}


@pytest.mark.parametrize("scales", ["fixed", "channel"])
def test_finetune_learns_the_scales_it_is_asked_for(chain: Chain, tmp_path: Path, scales: str):
    finetune(chain.data, chain.prune, chain.search, tmp_path / "out", **FINETUNE | {"epochs": 1}, scales=scales)
    for variant in VARIANTS[1:]:
        model, spec = load_model(tmp_path / "out" / "seed-0" / variant)
        assert spec.scales == (scales if variant in {"stage2", "safs"} else "fixed")
        assert bool(scale_parameters(model)) is (spec.scales == "channel")


HOW = {
    "optimizer": "sgd",
    "momentum": 0.5,
    "schedule": "restarts",
    "warmup": 0.6,
    "label_smoothing": 0.1,
    "augment": "crop-flip",
    "patience": 1,
}


def test_finetune_hands_every_hyperparameter_on(chain: Chain, tmp_path: Path):
    finetune(chain.data, chain.prune, chain.search, tmp_path / "out", **FINETUNE | {"trials": 1}, **HOW)
    for variant in VARIANTS[1:]:  # the one trial is that of the defaults
        used = read_json(tmp_path / "out" / "seed-0" / variant / "training.json")["hyperparameters"]
        assert {name: used[name] for name in HOW} == HOW


@pytest.mark.parametrize("changed", HOW)
def test_pretrain_hands_every_hyperparameter_on(chain: Chain, tmp_path: Path, changed: str):
    arguments = {"seeds": [0], "dense_epochs": 3, "optimizer": "sgd", "learning_rate": 1e-30, "backend": "torch"}
    if changed == "patience":  # nothing is learnt, so the training ends after the second epoch
        tracker = Recorder()
        pretrain(chain.data, tmp_path / "out", **arguments, patience=1, context=Context(tracker))
        assert tracker.done == [(1, 3), (2, 3)]
        return
    arguments |= {"learning_rate": 1e-2, "dense_epochs": 1, "seeds": [0]}
    pretrain(chain.data, tmp_path / "one", **arguments | {"optimizer": "adam" if changed == "optimizer" else "sgd"})
    pretrain(chain.data, tmp_path / "two", **arguments | {changed: HOW[changed]})
    assert contents(tmp_path / "one") != contents(tmp_path / "two")


@pytest.mark.parametrize(
    "arguments", [{"momentum": 1.0}, {"warmup": 1.0}, {"label_smoothing": -0.1}, {"patience": -1}, {"device": "tpu"}]
)
@pytest.mark.parametrize("step", [pretrain, finetune])
def test_hyperparameters_out_of_range_are_refused(step: Callable[..., dict[str, Any]], arguments: dict[str, Any]):
    parameters = {name: value for name, value in step_parameters(step).items() if name in HOW or name == "device"}
    check_arguments(parameters, {}, {})
    with pytest.raises(SafsError, match=next(iter(arguments))):
        check_arguments(parameters, arguments, {})


@pytest.mark.parametrize(
    "damage", ["missing", "[]", "{}", "null", '{"activations": {"act9": "relu"}}', '{"activations": 3}']
)
def test_finetune_refuses_activations_that_are_none(chain: Chain, tmp_path: Path, damage: str):
    activations = copy_of(chain.search, tmp_path / "search")
    if damage == "missing":
        (activations / "seed-0.json").unlink()
    else:
        (activations / "seed-0.json").write_text(damage)
    with pytest.raises(SafsError):
        finetune(chain.data, chain.prune, activations, tmp_path / "out", **FINETUNE)
    assert not (tmp_path / "out").exists()


def test_evaluate_writes_numbers_and_a_report(chain: Chain, evaluated: Path, tmp_path: Path):
    tracker = Recorder()
    summary = evaluate(chain.data, chain.pretrain, chain.finetune, tmp_path / "out", context=Context(tracker))
    assert files(tmp_path / "out") == {"evaluation.json", "insight.json", "serving.json", "report.html"}
    assert contents(tmp_path / "out") == contents(evaluated)
    measured = read_json(tmp_path / "out" / "evaluation.json")
    for variant in VARIANTS:
        assert tracker.seen[f"{variant}_test_accuracy"] == measured["variants"][variant]["test_mean"]
        assert summary[f"{variant}_test_accuracy"] == measured["variants"][variant]["test_mean"]
    assert tracker.files == [tmp_path / "out" / "report.html"]


def test_select_copies_the_chosen_model(chain: Chain, evaluated: Path, selected: Path):
    selection = read_json(selected / "selection.json")
    chosen = selection["chosen"]
    assert fingerprint(selected / "model") == chosen["fingerprint"]
    assert contents(selected / "model") == contents(chain.finetune / f"seed-{chosen['seed']}" / "safs")
    models = read_json(evaluated / "evaluation.json")["models"]
    assert chosen["validation_accuracy"] == max(model["validation_accuracy"] for model in models)
    assert load_spec(selected / "model").sparsity == chosen["sparsity"] == 0.9


def test_select_ends_well_when_nothing_qualifies(chain: Chain, evaluated: Path, tmp_path: Path):
    summary = select([evaluated], [chain.finetune], tmp_path / "out", max_bytes=1)
    assert summary["qualified"] is False
    assert files(tmp_path / "out") == {"selection.json", "report.html"}
    assert read_json(tmp_path / "out" / "selection.json")["chosen"] is None
    assert "Nothing selected" in (tmp_path / "out" / "report.html").read_text()


def test_select_looks_at_all_evaluations_in_any_order(chain: Chain, evaluated: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    changed = read_json(evaluated / "evaluation.json") | {"sparsity": 0.5}
    for model in changed["models"]:
        model["validation_accuracy"] = 0.0
    write_json(other / "evaluation.json", changed)
    for name, folders in (("one", [evaluated, other]), ("two", [other, evaluated])):
        summary = select(folders, [chain.finetune], tmp_path / name)
        assert summary["sparsity"] == 0.9
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"sparsity": 0.9}', '{"sparsity": 0.9, "models": []}'])
def test_select_refuses_an_evaluation_that_is_none(chain: Chain, tmp_path: Path, content: str):
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "evaluation.json").write_text(content)
    with pytest.raises(SafsError):
        select([tmp_path / "evaluation"], [chain.finetune], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_select_refuses_to_choose_from_no_evaluation(chain: Chain, tmp_path: Path):
    with pytest.raises(SafsError):
        select([], [chain.finetune], tmp_path / "out")


def test_select_refuses_models_that_were_not_evaluated(chain: Chain, evaluated: Path, tmp_path: Path):
    with pytest.raises(SafsError, match="holds the evaluated model"):
        select([evaluated], [chain.prune], tmp_path / "out")
    assert not (tmp_path / "out").exists()


Run = Callable[[Chain, Path, Path], dict[str, Any]]
RUNS: dict[str, Run] = {
    "prepare": lambda chain, _, out: prepare(out),
    "pretrain": lambda chain, _, out: pretrain(chain.data, out, **PRETRAIN),
    "prune": lambda chain, _, out: prune(chain.data, chain.pretrain, out),
    "search": lambda chain, _, out: search(chain.data, chain.prune, out, **SEARCH),
    "finetune": lambda chain, _, out: finetune(chain.data, chain.prune, chain.search, out, **FINETUNE),
    "evaluate": lambda chain, _, out: evaluate(chain.data, chain.pretrain, chain.finetune, out),
    "select": lambda chain, evaluated, out: select([evaluated], [chain.finetune], out),
}


@pytest.mark.parametrize("step", RUNS)
def test_a_taken_output_is_refused_and_left_as_it_was(step: str, chain: Chain, evaluated: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(SafsError, match="already exists"):
        RUNS[step](chain, evaluated, tmp_path / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"out", "mine"}
    assert (tmp_path / "out" / "mine").read_text() == "mine"


MISSING: dict[str, Callable[[Chain, Path, Path], dict[str, Any]]] = {
    "pretrain": lambda chain, none, out: pretrain(none, out),
    "prune, data": lambda chain, none, out: prune(none, chain.pretrain, out),
    "prune, models": lambda chain, none, out: prune(chain.data, none, out),
    "search, data": lambda chain, none, out: search(none, chain.prune, out),
    "search, models": lambda chain, none, out: search(chain.data, none, out),
    "finetune, data": lambda chain, none, out: finetune(none, chain.prune, chain.search, out),
    "finetune, models": lambda chain, none, out: finetune(chain.data, none, chain.search, out),
    "finetune, activations": lambda chain, none, out: finetune(chain.data, chain.prune, none, out),
    "evaluate, data": lambda chain, none, out: evaluate(none, chain.pretrain, chain.finetune, out),
    "evaluate, dense": lambda chain, none, out: evaluate(chain.data, none, chain.finetune, out),
    "evaluate, models": lambda chain, none, out: evaluate(chain.data, chain.pretrain, none, out),
    "select, evaluations": lambda chain, none, out: select([none], [chain.finetune], out),
    "select, models": lambda chain, none, out: select([chain.search], [none], out),
}


@pytest.mark.parametrize("kind", ["nothing", "an empty folder", "a file"])
@pytest.mark.parametrize("case", MISSING)
def test_an_input_that_is_not_there_is_a_safs_error(case: str, kind: str, chain: Chain, tmp_path: Path):
    none = tmp_path / "input"
    if kind == "a file":
        none.write_text("a file")
    elif kind == "an empty folder":
        none.mkdir()
    with pytest.raises(SafsError):
        MISSING[case](chain, none, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_step_is_listed():
    assert set(STEPS) == set(RUNS) | {"register"}
    assert all(step.__name__ == name for name, step in STEPS.items())


def test_the_context_reports_to_nobody_by_default():
    context = Context()
    with context.tracker.child("part") as tracker:
        assert tracker is context.tracker
    assert asdict(context)["registry"] is None
