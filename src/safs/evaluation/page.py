"""Pages of our own: one file, no script, nothing fetched from anywhere; all text that comes from outside is escaped."""

from typing import Any

from jinja2 import Environment, PackageLoader

from safs.evaluation.figures import amount, digits, percent, size


def render(name: str, **values: Any) -> str:
    """A template of this folder with its values."""
    environment = Environment(
        loader=PackageLoader("safs.evaluation", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "size": size, "digits": digits, "amount": amount}
    return environment.get_template(f"{name}.html.jinja").render(**values)
