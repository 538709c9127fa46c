import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from safs.evaluation.charts import accuracy_chart, confusion_chart
from safs.evaluation.measurement import VARIANTS
from safs.evaluation.report import LABELS, render_report
from safs.evaluation.selection import choose
from safs.figures import percent
from safs.files import read_json
from tests.evaluation.evaluations import entry, evaluation

EVALUATIONS = [evaluation(0.9, entry(0, 0.8), entry(1, 0.9)), evaluation(0.99, entry(0, 0.7), entry(1, 0.6))]
VOID = {"meta", "link", "br", "img", "use", "path", "input", "hr"}
LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background", "formaction"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def report() -> str:
    chosen, reason = choose(EVALUATIONS, 0.5, 0, "accuracy")
    return render_report(EVALUATIONS, chosen, reason)


def test_nothing_is_loaded_and_nothing_is_run(report: str, evaluated: Path, selected: Path):
    for html in (report, *((folder / "report.html").read_text() for folder in (evaluated, selected))):
        reader = Reader(html)
        assert "script" not in reader.tags
        assert not {"iframe", "object", "embed", "base", "form"} & set(reader.tags)
        assert [v for n, v in reader.attributes if n in LOADING and not v.startswith(("#", "data:"))] == []
        assert [name for name, _ in reader.attributes if name.startswith("on")] == []
        assert re.findall(r"url\((?!#)[^)]*\)|@import", html) == []
        # what is left of addresses names an XML vocabulary, and loads nothing
        named = [v for n, v in reader.attributes if n.startswith(("xmlns", "rdf:"))]
        assert len(re.findall("https?://", html)) == len([value for value in named if "://" in value])


def test_numbers_stand_in_the_report(report: str):
    text = Reader(report).text
    for expected in ("lenet5 on digits", "43.21 ± 1.23", "+4.56 ± 0.78", "90%", "99%", "44,190", "177,704", "1,234"):
        assert expected in text
    assert all(label in text for label in LABELS.values())
    assert "44.4" in text  # 177,704 / 4,000 times smaller


def test_the_choice_stands_in_the_report(report: str):
    assert "Selected: most accurate of 4 qualified models" in Reader(report).text
    _, reason = choose(EVALUATIONS, 0.95, 0, "accuracy")
    nothing = Reader(render_report(EVALUATIONS, None, reason)).text
    assert "Nothing selected: none of 4 models" in nothing
    assert "elected" not in Reader(render_report(EVALUATIONS)).text


def test_the_same_input_gives_the_same_bytes(report: str):
    chosen, reason = choose(EVALUATIONS, 0.5, 0, "accuracy")
    assert render_report(EVALUATIONS, chosen, reason) == report


HOSTILE = "<b>x</b>"


@pytest.mark.parametrize("place", ["classes", "data", "architecture", "operator", "reason"])
def test_markup_in_names_is_escaped(place: str):
    one = evaluation(0.9, entry(), classes=(HOSTILE if place == "classes" else "a", "--><b>y</b>"))
    if place in one:
        one[place] = one["classes"] if place == "classes" else HOSTILE
    if place == "operator":
        one["models"][0]["activations"] = {HOSTILE: HOSTILE}
    html = render_report([one], None, HOSTILE if place == "reason" else "")
    assert "b" not in Reader(html).tags
    assert "<b>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


@pytest.mark.parametrize("name", ["$", "$x$", "a$b$c", r"$\frac{$", "_^{}", "", " ", "数字", "a" * 200])
def test_any_class_name_can_be_drawn(name: str):
    Reader(confusion_chart([[1, 2], [0, 3]], [name, "b"]))


def test_an_empty_confusion_matrix_can_be_drawn():
    Reader(confusion_chart([[0, 0], [0, 0]], ["a", "b"]))


def test_the_counts_are_written_into_the_confusion_matrix():
    # text is drawn as shapes; matplotlib leaves the words in comments
    assert re.findall(r"<!-- (\d+) -->", confusion_chart([[31, 0], [4, 57]], ["a", "b"])) == ["31", "4", "57"]


def test_the_chart_has_a_dot_for_every_seed_of_every_variant():
    html = accuracy_chart(EVALUATIONS, LABELS)
    dots = re.findall(r'id="PathCollection_\d+".*?</g>\s*</g>', html, re.DOTALL)
    assert len(dots) == len(EVALUATIONS) * len(VARIANTS)


def test_one_seed_is_named_in_the_singular():
    text = Reader(render_report([evaluation(0.9, entry())])).text
    assert "over 1 seed," in text
    assert "over 2 seeds," in Reader(render_report(EVALUATIONS)).text


def test_the_labels_are_those_of_the_variants():
    assert tuple(LABELS) == VARIANTS


def test_percentages_have_two_digits():
    assert percent(0.98765) == "98.77"
    assert percent(1) == "100.00"


def test_the_report_of_a_real_run_shows_its_numbers(evaluated: Path):
    measured = read_json(evaluated / "evaluation.json")
    text = Reader((evaluated / "report.html").read_text()).text
    for values in measured["variants"].values():
        assert f"{percent(values['test_mean'])} ± {percent(values['test_spread'])}" in text


def test_the_audit_of_each_mask_is_shown(report: str):
    assert "1 of 2 87.65 12 7 12 / 7" in Reader(report).text


def test_a_mask_that_could_not_be_followed_says_why():
    one = entry(0)
    layers = [{"name": "fc.weight", "weights": 4, "kept": 3, "live": None}]
    one["audit"] = {**one["audit"], "live": None, "layers": layers, "note": "no paths: <why>"}
    text = Reader(render_report([evaluation(0.9, one)])).text
    assert "unknown 3 / ?" in text
    assert "no paths: <why>" in text
