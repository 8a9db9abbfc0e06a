"""Trained networks as files that need no nasturtium: ONNX, torch.export, readable source, a model card.

``nasturtium.export(model, "net.onnx", task)`` calls `artifact.export`: the package itself can be called,
because Python gives ``nasturtium.export`` to the package of that name as soon as any of its files is
imported.
"""

import sys
from types import ModuleType

from nasturtium.export.artifact import export


class _Callable(ModuleType):
    __call__ = staticmethod(export)


sys.modules[__name__].__class__ = _Callable
