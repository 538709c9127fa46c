"""The forms for production; free of torch."""

from typing import Literal

Form = Literal["sparse", "onnx"]
Values = Literal["float32", "float16"]
