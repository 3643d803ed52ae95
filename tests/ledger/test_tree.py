"""The Merkle tree: the reference roots, and what proofs prove, for every size."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.ledger.tree import EMPTY, Frontier, Tree, consistent, fold, includes, leaf_hash, node_hash

REFERENCE = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The leaves with which implementations of RFC 6962 are compared (certificate-transparency's reference tests)."""
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The root of the first 0, 1, ... 8 of them."""


def plain(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1 writes it down."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return node_hash(plain(leaves[:split]), plain(leaves[split:]))


def numbered(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


LARGE = numbered(1500)
TREE = Tree.of(LARGE)
sizes = st.integers(1, len(LARGE))


def test_the_reference_roots_are_reproduced() -> None:
    hashes = [leaf_hash(leaf) for leaf in REFERENCE]
    frontier = Frontier()
    assert (EMPTY.hex(), frontier.root().hex()) == (ROOTS[0], ROOTS[0])
    for size, root in enumerate(ROOTS[1:], start=1):
        frontier.add(hashes[size - 1])
        assert (frontier.root().hex(), Tree.of(hashes).root(size).hex()) == (root, root)


def test_the_reference_proofs_are_reproduced() -> None:
    tree = Tree.of(leaf_hash(leaf) for leaf in REFERENCE)
    assert [step.hex()[:8] for step in tree.inclusion(5, 8)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [step.hex()[:8] for step in tree.consistency(6, 8)] == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert tree.consistency(8, 8) == []


@given(size=sizes)
def test_every_way_to_a_root_gives_the_one_of_the_standard(size: int) -> None:
    frontier = Frontier()
    for leaf in LARGE[:size]:
        frontier.add(leaf)
    assert frontier.root() == TREE.root(size) == plain(LARGE[:size])


@given(size=sizes, data=st.data())
def test_a_leaf_is_proven_at_its_place_and_at_no_other(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path, root = TREE.inclusion(index, size), TREE.root(size)
    assert len(path) <= (size - 1).bit_length()
    assert includes(root, size, index, LARGE[index], path)
    assert includes(root, size, other, LARGE[index], path) == (other == index)
    assert includes(root, size, index, LARGE[other], path) == (other == index)
    assert not includes(root, size, index, LARGE[index], [*path, root])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        bent = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
        assert not includes(root, size, index, LARGE[index], bent)
        assert not includes(root, size, index, LARGE[index], path[:-1])


@given(pair=st.tuples(sizes, sizes), data=st.data())
def test_a_beginning_is_proven_and_nothing_else_is(pair: tuple[int, int], data: st.DataObject) -> None:
    old, new = sorted(pair)
    path = TREE.consistency(old, new)
    assert consistent(old, TREE.root(old), new, TREE.root(new), path)
    changed = data.draw(st.integers(0, old - 1))
    others = [*LARGE[:changed], leaf_hash(b"other"), *LARGE[changed + 1 : new]]
    other = Tree.of(others)
    assert not consistent(old, TREE.root(old), new, other.root(new), other.consistency(old, new))
    assert not consistent(old, other.root(old), new, TREE.root(new), path)


def test_a_path_that_ends_below_the_root_proves_nothing() -> None:
    path, inner = TREE.inclusion(2, 8), TREE.root(4)
    assert includes(TREE.root(8), 8, 2, LARGE[2], path)
    assert not includes(inner, 8, 2, LARGE[2], path[:2])
    begun = TREE.consistency(2, 8)
    assert not consistent(2, TREE.root(2), 8, inner, begun[:1])


def test_what_is_not_there_is_refused() -> None:
    for ask in (
        lambda: TREE.root(1501),
        lambda: TREE.inclusion(5, 5),
        lambda: TREE.inclusion(-1, 5),
        lambda: TREE.consistency(0, 5),
        lambda: TREE.consistency(6, 5),
    ):
        with pytest.raises(LookupError):
            ask()
    with pytest.raises(ValueError, match="3 hashes"):
        fold(LARGE[:3])
    assert not includes(EMPTY, 0, 0, LARGE[0], [])
    assert not consistent(0, EMPTY, 1, LARGE[0], [])
