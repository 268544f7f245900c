"""What all tests share: a clean environment, a model that is built once, and a server with it."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, sync_playwright

from polymem.settings import Settings, load_settings
from polymem.storage import open_store
from tests.databases import postgres
from tests.serving import Server, serving

MakeSettings = Callable[..., Settings]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database server`: what talks to a server of ours talks to one on PostgreSQL."""
    parser.addoption("--database", choices=("file", "server"), default="file", help="where servers keep memories")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Whoever runs the tests may have a server of their own, whose settings are not ours."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("POLYMEM_", "MEMENTO_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """Where the local model's graph is built: once for this user, not once for each run."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "polymem-tests" / "models"


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str] | None]:
    """Makes a database with the present schema and gives its URL; None where servers keep memories in files."""
    if request.config.getoption("--database") == "file":
        yield None
        return
    with postgres() as server:
        template = server.new_database()
        with asyncio.Runner() as runner:
            runner.run(runner.run(open_store(template)).close())
        yield lambda: server.new_database(template)


@pytest.fixture(scope="session")
def make_settings(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, new_database: Callable[[], str] | None
) -> MakeSettings:
    """Settings with a data directory of their own, quiet, changed by what is given.

    Without the dashboard, which is slow to load, and of which a process can have only one.
    """

    def make(**given: object) -> Settings:
        data_dir = tmp_path_factory.mktemp("data")
        usual = {"data_dir": data_dir, "cache_dir": model_cache, "access_log": False, "dashboard": False}
        if new_database is not None:
            usual["database_url"] = new_database()
        return load_settings(**usual | given)

    return make


@pytest.fixture(scope="session")
def server(make_settings: MakeSettings) -> Iterator[Server]:
    """A server in local mode with the local model, for all tests; each has an organization of its own by `api`."""
    with serving(make_settings()) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[httpx2.Client]:
    """A client of an organization that holds nothing but what the test keeps."""
    with server.client(server.new_key(server.new_organization())) as client:
        yield client


CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The distribution's Chromium, without a window.

    One at a time: while Playwright's loop runs, neither a second one nor a coroutine test can have one of its own.
    """
    path = next(found for name in CHROMIUM if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
