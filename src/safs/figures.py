"""Numbers as people read them."""


def percent(value: float) -> str:
    """A fraction as a percentage with two digits."""
    return f"{100 * value:.2f}"


def points(value: float) -> str:
    """A difference of fractions, with its sign.

    Example:
        >>> points(0.0123)
        '+1.23%'
    """
    return f"{100 * value:+.2f}%"


def digits(value: float) -> str:
    """Three significant digits, without an exponent where that is short.

    Example:
        >>> digits(0.012345), digits(1234.5)
        ('0.0123', '1,234')
    """
    if value and abs(value) < 1e-4:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def size(count: float) -> str:
    """Bytes in the unit that suits them, 1 kB being 1,000 bytes.

    Example:
        >>> size(177_704)
        '178 kB'
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{digits(count)} {unit}"
        count /= 1000
    return f"{digits(count)} GB"


def amount(count: float) -> str:
    """A large number in words.

    Example:
        >>> amount(2_345_678)
        '2.35 million'
    """
    for name, unit in (("billion", 1e9), ("million", 1e6)):
        if count >= unit:
            return f"{digits(count / unit)} {name}"
    return f"{count:,.0f}"
