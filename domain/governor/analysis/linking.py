"""Linking: which fields have to be looked at together, and which comparisons nobody can follow.

data.a > 1, data.a < data.b, data.c == 'x'  ─►  Group(data.a, data.b)  Group(data.c)
data.o, data.o.x                            ─►  Group(data.o, data.o.x)    one holds the other
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain.governor.analysis.atoms import Atom, mark
from domain.governor.analysis.points import Marks
from domain.governor.language.reading import place
from domain.governor.language.tree import Compare, In, Node, Path, children


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that are looked at together, the comparisons that do, and all their constants."""

    paths: tuple[Path, ...]
    atoms: tuple[Atom, ...]
    marks: Marks

    @property
    def nests(self) -> bool:
        """Say whether one of the fields is held by another."""
        return any(_holds(a, b) for a in self.paths for b in self.paths)

    @property
    def equates(self) -> bool:
        """Say whether fields are compared for more than their order."""
        orders = ("<", "<=", ">", ">=")
        linking = (each.node for each in self.atoms if each.is_linking)
        return any(not (isinstance(n, Compare) and n.symbol in orders) for n in linking)

    @property
    def containers(self) -> dict[Path, int]:
        """Return the fields that are searched for members, and how many searches there are."""
        found: dict[Path, int] = {}
        for path in (path for atom in self.atoms for path in _searched(atom.node)):
            found[path] = found.get(path, 0) + 1
        return found


def grouped(atoms: Sequence[Atom]) -> tuple[list[Group], list[Atom]]:
    """Return the groups of some comparisons, and the comparisons that are opaque."""
    opaque = [each for each in atoms if each.opaque]
    plain = [each for each in atoms if not each.opaque]
    tangled = {id(each) for group in _groups(plain) for each in _tangled(group)}
    opaque += [each for each in plain if id(each) in tangled]
    return _groups([each for each in plain if id(each) not in tangled]), opaque


def _tangled(group: Group) -> list[Atom]:
    """Return the comparisons between fields for which no finite set of values would do."""
    linking = [each for each in group.atoms if each.is_linking]
    marks = group.marks
    if not linking:
        return []
    if group.nests or marks.is_textual or (marks.sizes and marks.ordered):
        return linking
    searching = [each for each in linking if any(_searched(each.node))]
    return searching if len(searching) < len(linking) else []


def _groups(atoms: Sequence[Atom]) -> list[Group]:
    paths = list(dict.fromkeys(path for each in atoms for path in each.paths))
    head = {path: path for path in paths}

    def find(path: Path) -> Path:
        while head[path] != path:
            path = head[path]
        return path

    for one, other in _links(atoms, paths):
        head[find(other)] = find(one)
    members: dict[Path, list[Path]] = {}
    for path in paths:
        members.setdefault(find(path), []).append(path)
    users: dict[Path, list[Atom]] = {}
    for each in atoms:
        if each.paths:
            users.setdefault(find(each.paths[0]), []).append(each)
    return [_group(below, users[root]) for root, below in members.items()]


def _links(atoms: Iterable[Atom], paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    for each in atoms:
        yield from ((each.paths[0], other) for other in each.paths[1:])
    deep = [path for path in paths if len(place(path)[1]) > 1]
    for path in deep:
        yield from ((other, path) for other in paths if _holds(other, path))


def _group(paths: list[Path], atoms: list[Atom]) -> Group:
    marks = Marks()
    for each in atoms:
        mark(each, marks)
    return Group(tuple(sorted(paths, key=lambda p: (len(p.steps), p.steps))), tuple(atoms), marks)


def _holds(outer: Path, inner: Path) -> bool:
    (root, keys), (other, steps) = place(outer), place(inner)
    return root == other and len(keys) < len(steps) and steps[: len(keys)] == keys


def _searched(node: Node) -> Iterator[Path]:
    if (
        isinstance(node, In)
        and isinstance(node.container, Path)
        and node.container.root != "params"
    ):
        yield node.container
    for child in children(node):
        yield from _searched(child)
