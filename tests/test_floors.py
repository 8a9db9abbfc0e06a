import ast
from pathlib import Path

import nasturtium

ROOT = Path(nasturtium.__file__).parent

FLOORS = {
    "architecture": 0,
    "errors": 0,
    "protocols": 0,
    "seeds": 0,
    "front": 1,
    "space": 1,
    "net": 2,
    "predictor": 2,
    "strategy": 2,
    "cost": 3,
    "evaluate": 3,
    "tasks": 3,
    "store": 4,
    "run": 5,
    "export": 6,
    "report": 6,
    "recipes": 7,
    "cli": 8,
}
OUTSIDE = {"__init__", "testing"}  # the public names and what is shipped for tests see every floor
TORCH_FREE = ("architecture", "errors", "protocols", "seeds", "front", "space", "strategy", "store")
NETWORKS = {"strategy/policy.py"}  # strategies that are networks; loaded when one is made


def imports(path, *, only_when_loaded=False):
    """The modules that a file imports; those for type checkers only are no imports."""
    tree = ast.parse(path.read_text())
    skipped = set()
    for node in ast.walk(tree):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and only_when_loaded
        if later or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import absolutely"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part(module):
    """The top-level part of nasturtium that a module belongs to, None for other packages."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "nasturtium" and rest else None


def files():
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if name not in OUTSIDE:
            yield name, path


def test_every_part_has_a_floor():
    assert {name for name, _ in files()} <= FLOORS.keys()


def test_no_file_imports_upwards():
    upward = [
        f"{path.relative_to(ROOT)} (floor {FLOORS[name]}) imports {module} (floor {FLOORS[part(module)]})"
        for name, path in files()
        for module in imports(path)
        if part(module) in FLOORS and FLOORS[part(module)] > FLOORS[name]
    ]
    assert not upward, "\n".join(upward)


def test_parts_import_each_other_without_a_cycle():
    edges = {name: set() for name in FLOORS}
    for name, path in files():
        edges[name] |= {part(module) for module in imports(path)} & FLOORS.keys() - {name}
    while edges:
        leaves = {name for name, below in edges.items() if not below & edges.keys()}
        assert leaves, f"a cycle among {sorted(edges)}"
        edges = {name: below for name, below in edges.items() if name not in leaves}


def test_no_file_outside_testing_imports_testing():
    assert not [path for _, path in files() for module in imports(path) if part(module) == "testing"]


def test_light_parts_import_no_torch_when_loaded():
    heavy = [
        f"{path.relative_to(ROOT)} imports {module}"
        for name, path in files()
        if name in TORCH_FREE and path.relative_to(ROOT).as_posix() not in NETWORKS
        for module in imports(path, only_when_loaded=True)
        if module.partition(".")[0] == "torch"
    ]
    assert not heavy, "\n".join(heavy)
