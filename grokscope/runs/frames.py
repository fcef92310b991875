"""Tables as pandas frames, where pandas is installed."""

from typing import TYPE_CHECKING, Any

from grokscope.errors import GrokscopeError

if TYPE_CHECKING:
    from pandas import DataFrame  # pyright: ignore[reportMissingImports]


def data_frame(data: Any, **options: Any) -> "DataFrame":
    """A frame of columns by name, or of rows with columns=. GrokscopeError where pandas is not installed."""
    try:
        from pandas import DataFrame  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise GrokscopeError("a frame needs pandas: pip install pandas") from error
    return DataFrame(data, **options)
