"""What to tell a user when something failed: one line, unless it is a bug of ours."""

from errno import ENOSPC

from safs.errors import SafsError

OUTSIDE = ("mlflow", "sqlalchemy", "requests", "urllib3", "kfp_server_api")


def one_line(error: BaseException) -> str | None:
    """The line for an error that comes from input or surroundings; None for a bug, which deserves its traceback."""
    if isinstance(error, SafsError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        advice = "; free some space and run the same command again" if error.errno == ENOSPC else ""
        return f"{error.strerror}{where}{advice}"
    if isinstance(error, OSError):
        return f"a file could not be read or written whole ({error}); is the disk full?"
    package = type(error).__module__.partition(".")[0]
    if package in OUTSIDE:
        return f"{package} failed: {(str(error).splitlines() or [type(error).__name__])[0][:300]}"
    return None
