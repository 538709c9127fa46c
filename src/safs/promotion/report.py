"""The page that shows a verdict."""

from safs.pages import render_page
from safs.promotion.judgement import Verdict


def render_verdict(verdict: Verdict, name: str) -> str:
    """A verdict as one HTML page without outside parts.

    Args:
        verdict: what was judged.
        name: the registered model's.
    """
    return render_page("promotion/verdict.html.jinja", verdict=verdict, name=name)
