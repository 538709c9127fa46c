"""HTML pages that stand alone: one style, no script, nothing fetched from anywhere; all text from outside is escaped."""

from typing import Any

from jinja2 import Environment, PackageLoader

from safs.figures import amount, digits, percent, points, size


def render_page(template: str, **values: Any) -> str:
    """Render a template of the package; a whole page extends `page.html.jinja`.

    Args:
        template: its path below `safs`.
        values: what it shows.
    """
    environment = Environment(loader=PackageLoader("safs", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    filters = (amount, digits, percent, points, size)
    environment.filters |= {function.__name__: function for function in filters}
    return environment.get_template(template).render(**values)
