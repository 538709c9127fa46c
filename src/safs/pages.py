"""HTML pages that stand alone: one style, no outside parts."""

from typing import Any

from jinja2 import Environment, PackageLoader


def render_page(template: str, **values: Any) -> str:
    """Render a template of the package, which extends `page.html.jinja`; values are escaped.

    Args:
        template: its path below `safs`.
        values: what it shows.
    """
    environment = Environment(loader=PackageLoader("safs", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda value: f"{100 * value:.2f}%"
    environment.filters["points"] = lambda value: f"{100 * value:+.2f}%"
    return environment.get_template(template).render(**values)
