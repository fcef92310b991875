"""The walls of the house: layers, no circles, no import from the package root, sizes, and what an import costs."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.registry import FAMILIES, names

PACKAGE = Path(__file__).parents[1] / "grokscope"
# Low to high; names on one line never import each other (docs: design, "Layers").
LAYERS = [
    {"errors"},
    {"plugins"},
    {"registry"},
    {"numerics", "statistics"},
    {"tasks", "models", "losses"},
    {"runs"},
    {"training", "measures", "recipes"},
    {"predictions"},
    {"theories"},
    {"studies", "watch"},
    {"report"},
    {"serve"},
    {"benchmarks"},
    {"cli"},
]
REGISTRY = ("component", "components", "names")  # functions that are asked for a family of components
ABOVE_ALL = {"__init__", "__main__"}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, *, asked_for: bool = True) -> set[str]:
    """Absolute names of everything of grokscope that a file imports: inside functions, for type checking, and families
    of components that it asks the registry for."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            if node.module == "grokscope":
                found |= {f"grokscope.{alias.name}" for alias in node.names}
        elif asked_for and isinstance(node, ast.Call) and getattr(node.func, "id", "") in REGISTRY:
            found |= {f"grokscope.{one.value}" for one in node.args[:1] if isinstance(one, ast.Constant)}
    return {name for name in found if name.partition(".")[0] == "grokscope"}


def area(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_lower_layers(path: Path) -> None:
    if area(path) in ABOVE_ALL:
        return
    for name in imports(path):
        assert name != "grokscope", f"{path} imports from the package root"
        other = name.split(".")[1]
        if other != area(path):
            assert LEVEL[other] < LEVEL[area(path)], f"{path} is in {area(path)} and imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_private_module_is_imported_in_its_own_folder_alone(path: Path) -> None:
    home = ".".join(("grokscope", *path.relative_to(PACKAGE).parent.parts))
    for name in imports(path):
        parts = name.split(".")
        private = next((place for place, part in enumerate(parts) if part.startswith("_")), None)
        assert private is None or ".".join(parts[:private]) == home, f"{path} imports {name}"


def test_every_folder_has_a_layer() -> None:
    assert {area(path) for path in SOURCES} - ABOVE_ALL <= set(LEVEL)


def test_files_import_each_other_in_no_circle() -> None:
    modules = {
        ".".join(("grokscope", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in SOURCES
    }
    graph = {
        name: imports(path, asked_for=False) & set(modules) - {name}
        for name, path in modules.items()
        if name != "grokscope"
    }
    while leaves := {name for name, targets in graph.items() if not targets & set(graph)}:
        graph = {name: targets for name, targets in graph.items() if name not in leaves}
    assert not graph, f"modules in or behind a circle: {sorted(graph)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_holds_two_subjects(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


# Where several components may be named together, and why (docs/architecture.md says it to people).
USES = ("theories", "recipes", "benchmarks", "studies/tables", "report/figures", "report/run/sections")  # declared use
LISTS = {
    "predictions/rows.py": "the series that every time to generalise is read from",
    "losses/__init__.py": "public names",
    "report/run/numbers.py": "the rows of a table, in the order in which people read them",
    "runs/identity.py": "ids of the first stores, which do not change",
    "studies/study.py": "names of fields in a file, of which two are also names of benchmarks",
    "cli/base.py": "commands that go on where they were interrupted",
}


def listed_components(path: Path) -> bool:
    """Whether a file holds a collection of two or more ids of one family and of nothing else."""
    families = [set(names(family)) for family in FAMILIES.values()]
    families.append({name.replace("_", "-") for name in names(FAMILIES["weight-formats"])})
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            continue
        keys = node.keys if isinstance(node, ast.Dict) else node.elts
        held = [key.value for key in keys if isinstance(key, ast.Constant)]
        if len(held) == len(keys) > 1 and any(family.issuperset(held) for family in families):
            return True
    return False


def test_no_list_of_components_is_kept_by_hand() -> None:
    places = {path.relative_to(PACKAGE).as_posix() for path in SOURCES if listed_components(path)}
    assert {place for place in places if not place.startswith(USES)} == set(LISTS)


def test_every_family_that_the_registry_is_asked_for_is_one_of_the_kinds() -> None:
    asked = {
        node.args[0].value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REGISTRY and node.args
        if isinstance(node.args[0], ast.Constant)
    }
    assert asked
    assert asked <= set(FAMILIES.values())


def test_importing_the_package_imports_nothing_else() -> None:
    # A statement about which modules are loaded, not about time: benchmarks/ measure time.
    heavy = "{'torch', 'numpy', 'scipy', 'pydantic', 'duckdb', 'plotly', 'tyro', 'rich', 'sklearn', 'gudhi'}"
    code = f"import sys, grokscope; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_the_public_face_is_what_the_contract_names() -> None:
    import grokscope

    for name in grokscope.__all__:
        assert getattr(grokscope, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = grokscope.nothing


@pytest.mark.parametrize("first", ["grokscope.measures()", "grokscope.measure", "grokscope.train", "grokscope.recipe"])
def test_every_name_of_the_face_is_what_it_is_called_for_in_any_order(first: str) -> None:
    """A package of the same name must not stand in for a function, whatever was imported before."""
    code = (
        f"import grokscope, grokscope.errors; {first}; import grokscope.measures.base\n"
        "assert 'weights.norm' in grokscope.measures()\n"
        "assert all(callable(getattr(grokscope, name)) for name in grokscope.__all__)\n"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_the_page_on_the_architecture_lists_the_rooms_as_they_are() -> None:
    page = PACKAGE.parent / "docs" / "architecture.md"
    before = page.read_text()
    listed = {line.split("`")[1] for line in before.splitlines() if line.startswith("| `grokscope/")}
    assert listed == {f"{path.parent.relative_to(PACKAGE.parent).as_posix()}/" for path in PACKAGE.rglob("__init__.py")}
    made = runpy.run_path(str(PACKAGE.parent / "scripts" / "architecture"))["with_rooms"](before)
    assert made == before, "run scripts/architecture"


def test_the_page_keeps_the_sizes_of_before(tmp_path: Path) -> None:
    script = runpy.run_path(str(PACKAGE.parent / "scripts" / "architecture"))
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    (tmp_path / "grokscope").mkdir()
    (tmp_path / "grokscope" / "one.py").write_text("x: int = 1  # pyright: ignore\ny = 2\n")
    made = script["with_sizes"](page, tmp_path)
    assert "| lines | 39,655 | 2 |\n| files | 396 | 1 |\n" in made
    assert "| `pyright: ignore` | 29 | 1 |\n" in made
    assert script["with_sizes"](made, tmp_path) == made
    assert script["with_rooms"](made) == made
