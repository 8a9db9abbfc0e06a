"""Names of methods, spaces and data: a dictionary each, and dotted paths or files for what is not in it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nasturtium.errors import ConfigError, NasturtiumError, unknown

if TYPE_CHECKING:
    from nasturtium.evaluate.table import Table
    from nasturtium.front.objectives import Constraint
    from nasturtium.protocols import CostModel

METHODS: Mapping[str, str] = {
    "arc-gp": "nasturtium.strategy.arc_gp:ArcBayesianOptimization",
    "asha": "nasturtium.strategy.asha:ASHA",
    "auto": "nasturtium.strategy.auto:Auto",
    "bananas": "nasturtium.strategy.bananas:BANANAS",
    "binned": "nasturtium.strategy.binned:BinnedEvolution",
    "bohb": "nasturtium.strategy.bohb:BOHB",
    "coarse-to-fine": "nasturtium.strategy.coarse_to_fine:CoarseToFine",
    "controller": "nasturtium.strategy.controller:Controller",
    "evolution": "nasturtium.strategy.evolution:RegularizedEvolution",
    "exhaustive": "nasturtium.strategy.exhaustive:Exhaustive",
    "generations": "nasturtium.strategy.generations:GenerationalEvolution",
    "halving": "nasturtium.strategy.halving:SuccessiveHalving",
    "hyperband": "nasturtium.strategy.hyperband:Hyperband",
    "large-scale": "nasturtium.strategy.large_scale:LargeScaleEvolution",
    "local": "nasturtium.strategy.local:LocalSearch",
    "nasbot": "nasturtium.strategy.nasbot:NASBOT",
    "nsga2": "nasturtium.strategy.nsga2:NSGA2",
    "pnas": "nasturtium.strategy.pnas:PNAS",
    "ppo": "nasturtium.strategy.ppo:PPO",
    "predicted": "nasturtium.strategy.predicted:PredictedEvolution",
    "random": "nasturtium.strategy.random:RandomSearch",
    "reinforce": "nasturtium.strategy.reinforce:Reinforce",
    "smac": "nasturtium.strategy.smac:SMAC",
    "tpe": "nasturtium.strategy.tpe:TPE",
}

RECIPES: Mapping[str, str] = {  # methods that train a supernet
    "alphanet": "nasturtium.recipes.alphanet:AlphaNet",
    "attentive": "nasturtium.recipes.attentive:AttentiveNAS",
    "bignas": "nasturtium.recipes.bignas:BigNAS",
    "darts": "nasturtium.recipes.darts:DifferentiableSearch",
    "darts-minus": "nasturtium.recipes.darts_minus:AuxiliarySkip",
    "darts-pt": "nasturtium.recipes.darts_pt:SelectedByPerturbation",
    "drnas": "nasturtium.recipes.drnas:DirichletSearch",
    "enas": "nasturtium.recipes.enas:EfficientNAS",
    "fabric": "nasturtium.recipes.fabric:NeuralFabric",
    "fairnas": "nasturtium.recipes.fairnas:FairNAS",
    "gdas": "nasturtium.recipes.gdas:GumbelSearch",
    "ofa": "nasturtium.recipes.ofa:OnceForAll",
    "one-shot": "nasturtium.recipes.one_shot:OneShot",
    "p-darts": "nasturtium.recipes.p_darts:ProgressiveDARTS",
    "pc-darts": "nasturtium.recipes.pc_darts:PartialChannels",
    "proxyless": "nasturtium.recipes.proxyless:BinaryGates",
    "robust-darts": "nasturtium.recipes.robust_darts:EarlyStopping",
    "rs-ws": "nasturtium.recipes.rs_ws:RandomWeightSharing",
    "smash": "nasturtium.recipes.smash:SMASH",
    "snas": "nasturtium.recipes.snas:StochasticSearch",
    "spos": "nasturtium.recipes.spos:SPOS",
}

PREDICTORS: Mapping[str, str] = {
    "arc": "nasturtium.predictor.arc_gp:ArcGP",
    "boosting": "nasturtium.predictor.boosting:Boosting",
    "forest": "nasturtium.predictor.forest:Forest",
    "gp": "nasturtium.predictor.gp:GaussianProcess",
    "graph": "nasturtium.predictor.graph:GraphEnsemble",
    "lstm": "nasturtium.predictor.lstm:LSTMEnsemble",
    "mlp": "nasturtium.predictor.mlp:MLPEnsemble",
    "otmann": "nasturtium.predictor.otmann_gp:OtmannGP",
    "ridge": "nasturtium.predictor.ridge:Ridge",
}

PROXIES: Mapping[str, str] = {
    "fisher": "nasturtium.evaluate.proxies.activations:fisher",
    "grad_norm": "nasturtium.evaluate.proxies.saliency:grad_norm",
    "grasp": "nasturtium.evaluate.proxies.saliency:grasp",
    "jacob_cov": "nasturtium.evaluate.proxies.jacobian:jacob_cov",
    "macs": "nasturtium.evaluate.proxies.size:macs",
    "naswot": "nasturtium.evaluate.proxies.activations:naswot",
    "params": "nasturtium.evaluate.proxies.size:params",
    "snip": "nasturtium.evaluate.proxies.saliency:snip",
    "synflow": "nasturtium.evaluate.proxies.saliency:synflow",
    "zen": "nasturtium.evaluate.proxies.zen:zen",
    "zico": "nasturtium.evaluate.proxies.zico:zico",
}

SPACES: Mapping[str, str] = {
    "amoebanet": "nasturtium.space.zoo.nasnet:amoebanet",
    "attentive": "nasturtium.space.zoo.attentive:attentive",
    "autonet_mlp": "nasturtium.space.zoo.autonet:autonet_mlp",
    "bignas": "nasturtium.space.zoo.bignas:bignas",
    "chain": "nasturtium.space.zoo.chain:chain",
    "darts": "nasturtium.space.zoo.darts:darts",
    "darts_search": "nasturtium.space.zoo.darts_search:darts_search",
    "enas_macro": "nasturtium.space.zoo.enas:enas_macro",
    "enas_micro": "nasturtium.space.zoo.enas:enas_micro",
    "fabric": "nasturtium.space.zoo.fabric:fabric",
    "fabric_sparse": "nasturtium.space.zoo.fabric:fabric_sparse",
    "hat": "nasturtium.space.zoo.hat:hat",
    "hat_decoder": "nasturtium.space.zoo.hat_decoder:hat_decoder",
    "mobilenet": "nasturtium.space.zoo.mobilenet:mobilenet",
    "nasbench101": "nasturtium.space.zoo.nasbench101:nasbench101",
    "nasbench201": "nasturtium.space.zoo.nasbench201:nasbench201",
    "nasbench_macro": "nasturtium.space.zoo.nasbench_macro:nasbench_macro",
    "nasnet": "nasturtium.space.zoo.nasnet:nasnet",
    "ofa": "nasturtium.space.zoo.ofa:ofa",
    "ofa_resnet": "nasturtium.space.zoo.ofa_resnet:ofa_resnet",
    "pc_darts_search": "nasturtium.space.zoo.darts_search:pc_darts_search",
    "pnas": "nasturtium.space.zoo.pnas:pnas",
    "resnet": "nasturtium.space.zoo.resnet:resnet",
    "spos": "nasturtium.space.zoo.spos:spos",
    "vit": "nasturtium.space.zoo.vit:vit",
}

TASKS: Mapping[str, str] = {
    "cifar10": "nasturtium.tasks.images:image_classification",
    "digits": "nasturtium.tasks.images:image_classification",
    "folder": "nasturtium.tasks.images:image_classification",
    "hf": "nasturtium.tasks.images:image_classification",
    "npz": "nasturtium.tasks.images:image_classification",
    "ptb": "nasturtium.tasks.text:language_modelling",
    "shakespeare": "nasturtium.tasks.text:language_modelling",
    "text": "nasturtium.tasks.text:language_modelling",
}

TABLES: Mapping[str, str] = {
    "fcnet": "nasturtium.evaluate.tables.fcnet:fcnet",
    "nasbench101": "nasturtium.evaluate.tables.nasbench101:nasbench101",
    "nasbench201": "nasturtium.evaluate.tables.nasbench201:nasbench201",
    "nasbench301": "nasturtium.evaluate.tables.nasbench301:nasbench301",
    "nasbench_macro": "nasturtium.evaluate.tables.nasbench_macro:nasbench_macro",
    "nasbench_nlp": "nasturtium.evaluate.tables.nasbench_nlp:nasbench_nlp",
}

KINDS: Mapping[str, Mapping[str, str]] = {
    "method": dict(sorted({**METHODS, **RECIPES}.items())),
    "predictor": PREDICTORS,
    "proxy": PROXIES,
    "space": SPACES,
    "table": TABLES,
    "task": TASKS,
}

GIVEN = frozenset({"space", "seed", "objectives", "costs", "constraints"})  # by the run, to whom wants them

_GENOTYPES = "nasturtium.space.zoo.genotypes:genotype_space"
_TABLE_FILE = re.compile(r"(?P<path>.+\.(?:csv|parquet))(?::(?P<space>.+))?")


def resolve(kind: str, name: str) -> Any:
    """Returns what a name stands for.

    Args:
        kind: ``method``, ``predictor``, ``proxy``, ``space``, ``table`` or ``task``.
        name: A name of that kind, a dotted path (``package.module:Name``) or a file
            (``folder/mine.py:Name``).

    Raises:
        UnknownName: there is no such name, module, file or attribute.
        ConfigError: the module or file cannot be imported.
    """
    known = KINDS[kind]
    if ":" not in name and name not in known:
        raise unknown(kind, name, known, where="or give module:Name or file.py:Name")
    path, _, attribute = known.get(name, name).rpartition(":")
    module = _module(kind, name, path)
    if attribute not in vars(module):
        public = [found for found in vars(module) if not found.startswith("_")]
        raise unknown(f"name for a {kind}", attribute, public, where=path)
    return vars(module)[attribute]


def space_named(name: str) -> Any:
    """Returns the space of a name such as ``mobilenet`` or ``mobilenet/published``, or of a path or file.

    A path may lead to a space, or to a function without arguments that returns one. ``genotype:DARTS_V2`` is
    one network, of cells that were published or that are given as DARTS' text, to be trained and exported.
    """
    if name.startswith("genotype:"):
        return resolve("space", _GENOTYPES)(name.removeprefix("genotype:"))
    plain, _, size = name.partition("/") if ":" not in name else (name, "", "")
    found = resolve("space", plain)
    if not callable(found):
        return found
    return _made("space", name, found, *([size] if size else []))


def task_named(name: str, seed: int = 0) -> Any:
    """Returns the task of a source such as ``digits`` or ``folder:PATH``, or of a path or file.

    A path may lead to a task, or to a function of the seed that returns one.
    """
    from nasturtium.tasks.source import SOURCES

    kind, colon, _ = name.partition(":")
    if kind in TASKS:
        return resolve("task", kind)(name, seed=seed)
    if Path(name).is_dir():
        raise ConfigError(f"{name} is a folder: write folder:{name}")
    if Path(name).is_file():
        others = f"npz:{name} for arrays of images, text:{name} for a text"
        raise ConfigError(f"{name} is a file: write {f'{name}:NAME' if name.endswith('.py') else others}")
    # What follows a module or a .py file is a name, and no task is in Python's own: csv:a.csv means a source.
    meant = name.rpartition(":")[2].isidentifier() and kind not in sys.stdlib_module_names
    if not (colon and meant):
        raise unknown("task", name, SOURCES, where="or give module:Name or file.py:Name")
    found = resolve("task", name)
    return _made("task", name, found, seed=seed) if callable(found) else found


def table_named(name: str, *, seed: int | None = None) -> Table:
    """Returns the table of a name such as ``nasbench201/cifar10/12``, or of a file, or of a path.

    What follows a name are the reader's first parameters: data set, then epochs. A ``results.csv`` or
    ``.parquet`` may be followed by the name of its space, ``results.csv:mobilenet``. A path leads to a
    function of the seed that returns a table.

    Args:
        name: Of the table.
        seed: Of the one training of each architecture that is seen; None shows means.

    Raises:
        ConfigError: There is no such table, data set or number of epochs.
        DataError: Its file is missing or cannot be read.
    """
    if file := _TABLE_FILE.fullmatch(name):
        from nasturtium.evaluate.tables.file import table_file

        space = space_named(file["space"]) if file["space"] else None
        return table_file(Path(file["path"]), space=space, seed=seed)
    plain, *parts = name.split("/") if ":" not in name else [name]
    reader = resolve("table", plain)
    if not callable(reader):
        raise ConfigError(f"table {name!r} is a {type(reader).__name__}; give a function of the seed")
    every = inspect.signature(reader).parameters.values()
    takes = [p.name for p in every if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "seed"]
    if len(parts) > len(takes):
        shape = "/".join([plain, *(one.upper() for one in takes)])
        raise ConfigError(f"table {name!r} has {len(parts)} parts after its name; write {shape}")
    given = (int(part) if part.isdigit() else part for part in parts)
    table: Table = _made("table", name, reader, *given, seed=seed)
    return table


def is_table(name: str) -> bool:
    """Whether `table_named` would look for a table of this name, whether or not there is one."""
    return bool(_TABLE_FILE.fullmatch(name)) or ":" in name or name.partition("/")[0] in TABLES


def parameters_of(method: Any) -> Mapping[str, inspect.Parameter]:
    """Returns the parameters of a method that a user may set: all that the run does not give it itself."""
    every = inspect.signature(method).parameters
    return {name: p for name, p in every.items() if name not in GIVEN}


def informed(method: Any, costs: CostModel | None, constraints: Sequence[Constraint]) -> Any:
    """Returns a method that is given, where it has a parameter for them, the costs and what bounds them."""
    wants = inspect.signature(method).parameters
    known = {"costs": costs, "constraints": tuple(constraints)}
    return partial(method, **{name: value for name, value in known.items() if name in wants})


def settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a method's parameters as it takes them: an ``inner`` that is a name is the method so called."""
    return {
        name: resolve("method", value) if name == "inner" and isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _module(kind: str, name: str, path: str) -> ModuleType:
    try:
        if not path.endswith(".py"):
            return importlib.import_module(path)
        folder = str(Path(path).resolve().parent)
        if folder not in sys.path:
            # For good: what is in the file may import its neighbours when it is called. Last: a neighbour
            # must not hide a module that others import.
            sys.path.append(folder)
        return _file(kind, Path(path))
    except NasturtiumError:
        raise
    except Exception as error:  # the user's own code may raise anything
        if isinstance(error, ModuleNotFoundError) and not path.endswith(".py"):
            raise ConfigError(
                f"{kind} {name!r}: {error}. Give a name, module:Name or file.py:Name; names: "
                f"{', '.join(KINDS[kind])}"
            ) from error
        raise ConfigError(f"{kind} {name!r} cannot be imported: {_problem(error, path)}") from error


def _made(kind: str, name: str, make: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """Returns what a function makes; what goes wrong in a user's own is told as that of any other input."""
    try:
        return make(*given, **more)
    except NasturtiumError:
        raise
    except Exception as error:
        if ":" not in name:  # one of ours
            raise
        path = name.rpartition(":")[0]
        raise ConfigError(f"{kind} {name!r} cannot be made: {_problem(error, path)}") from error


def _problem(error: Exception, path: str) -> str:
    """Returns what a user's own code raised, and the line of the file where it did."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one.lineno for one in frames if Path(one.filename).name == Path(path).name]
    where = f" (line {own[-1]})" if own else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + where


def _file(kind: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"{kind}: there is no file {path} (looked in {Path.cwd()})")
    name = f"nasturtium_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # half a module is worse than none
        raise
    return module
