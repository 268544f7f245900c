"""What the package shows to the world is complete, sorted, and as described."""

import inspect

import polymem.client
from polymem.client import Client, clients, errors, models, operations


def test_every_public_class_of_results_errors_and_clients_is_exported() -> None:
    defined = {
        name
        for module in (clients, errors, models)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert defined - {"Operations"} <= set(polymem.client.__all__)


def test_the_exports_are_sorted_and_exist() -> None:
    names = polymem.client.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(polymem.client, name) for name in names)


def test_every_described_operation_is_a_method_of_both_clients() -> None:
    described = {
        name.rstrip("_")
        for name, value in vars(operations).items()
        if inspect.isfunction(value) and value.__module__ == operations.__name__ and not name.startswith("_")
    }
    for kind in (polymem.client.Client, polymem.client.AsyncClient):
        assert {name.rstrip("_") for name in dir(kind) if not name.startswith("_")} >= described - {"import_stream"}


def test_a_method_shows_the_parameters_and_the_words_of_its_description() -> None:
    with Client() as client:
        assert list(inspect.signature(client.recall).parameters) == ["query", "explain", "asking"]
        assert client.recall.__doc__ == operations.recall.__doc__
    assert Client.recall.__doc__ == operations.recall.__doc__
