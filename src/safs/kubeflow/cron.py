"""The times of a schedule, as Kubeflow's scheduler reads them: six fields, the seconds first, in UTC."""

import re

FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def six_fields(cron: str) -> str:
    """A cron expression with its seconds; the usual five fields get second 0.

    Source: the format of github.com/robfig/cron, version 1, which Kubeflow's ScheduledWorkflow controller uses.

    Example:
        >>> six_fields("30 2 * * MON-FRI")
        '0 30 2 * * MON-FRI'

    Raises:
        ValueError: it has another number of fields, or a field is out of its range.
    """
    fields = cron.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ValueError("write second minute hour day month weekday, such as '0 30 2 * * *', or the last five of them")
    for field, (name, low, high) in zip(fields, FIELDS, strict=True):
        for part in field.split(","):
            _check(part, name, low, high)
    return " ".join(fields)


def _check(part: str, name: str, low: int, high: int) -> None:
    found = re.fullmatch(r"(\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
    if not found:
        raise ValueError(f"{name} is {part!r}: write *, a number, a range 1-5, a list 1,3 or a step */15")
    _, first, last, step = found.groups()
    ends = [_number(text, name) for text in (first, last) if text]
    if any(not low <= end <= high for end in ends) or ends != sorted(ends) or step == "0":
        raise ValueError(f"{name} is {part!r}: it lies between {low} and {high}")


def _number(text: str, name: str) -> int:
    words = {
        "month": {word: number for number, word in enumerate(MONTHS, 1)},
        "weekday": dict(zip(DAYS, range(7), strict=True)),
    }
    if text.isdigit():
        return int(text)
    return words.get(name, {}).get(text.upper(), -1)
