"""Plug-ins: the documented recipe to the letter, every way to break it, and what it must never break."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from netpulse_drivers import DriverRegistry, UnknownDriver

RECIPE = """
from netpulse_drivers import BaseDriver

class CustomDriver(BaseDriver):
    driver_name = "custom"

    def connect(self):
        return {"host": self.host}

    def send(self, session, command):
        return f"{session['host']}: {command}"

    def disconnect(self, session):
        session.clear()
"""


def plugin(directory: Path, package: str, init: str, **files: str) -> Path:
    (directory / package).mkdir(parents=True)
    (directory / package / "__init__.py").write_text(init)
    for name, text in files.items():
        (directory / package / f"{name}.py").write_text(text)
    return directory


def only(directory: Path | str) -> DriverRegistry:
    return DriverRegistry([directory], points=[])


@pytest.mark.parametrize("listed", ["[CustomDriver]", "['CustomDriver']", "(CustomDriver,)"])
def test_the_recipe_followed_to_the_letter(tmp_path: Path, listed: str) -> None:
    plugin(tmp_path, "custom", f"from .custom import CustomDriver\n__all__ = {listed}\n", custom=RECIPE)
    registry = only(tmp_path)
    assert registry.failures == []
    assert registry.names() == ["custom"]
    driver = registry.get("custom").from_request({"host": "192.0.2.1"})
    assert driver.send(driver.connect(), "show version") == "192.0.2.1: show version"


def test_relative_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path / "plugins" / "drivers", "one", "from .x import CustomDriver\n__all__ = [CustomDriver]", x=RECIPE)
    monkeypatch.chdir(tmp_path)
    assert only("plugins/drivers").names() == ["custom"]


def test_two_directories_may_hold_packages_of_one_name(tmp_path: Path) -> None:
    init = "from .x import CustomDriver\n__all__ = [CustomDriver]"
    plugin(tmp_path / "a", "same", init, x=RECIPE)
    plugin(tmp_path / "b", "same", init, x=RECIPE.replace('"custom"', '"other"'))
    registry = DriverRegistry([tmp_path / "a", tmp_path / "b"], points=[])
    assert registry.names() == ["custom", "other"]
    assert registry.failures == []


BROKEN = {
    "syntax": ("def broken(:", "SyntaxError"),
    "import": ("import no_such_module_anywhere", "no_such_module_anywhere"),
    "exit": ("raise SystemExit(3)", "SystemExit"),
    "no_all": ("x = 1", "__all__ = [CustomDriver]"),
    "empty_all": ("__all__ = []", "__all__ = [CustomDriver]"),
    "absent": ("__all__ = ['Nothing']", "'Nothing' in __all__"),
    "no_driver": ("class A: pass\n__all__ = [A]", "does not inherit netpulse_drivers.BaseDriver"),
    "no_name": (RECIPE.replace('driver_name = "custom"', "pass") + "\n__all__ = [CustomDriver]", "no driver_name"),
    "bad_name": (RECIPE.replace('"custom"', '"Cus tom"') + "\n__all__ = [CustomDriver]", "lower-case"),
    "abstract": (RECIPE.replace("def send", "def sent") + "\n__all__ = [CustomDriver]", "does not implement: send"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_reported_and_stops_nothing(tmp_path: Path, kind: str) -> None:
    text, message = BROKEN[kind]
    plugin(tmp_path, "a_broken", text)
    plugin(tmp_path, "b_good", RECIPE + "\n__all__ = [CustomDriver]")
    registry = only(tmp_path)
    assert registry.names() == ["custom"]
    [failure] = registry.failures
    assert failure.source == str(tmp_path / "a_broken")
    assert message in failure.message
    assert "\n" not in failure.message


def test_a_name_that_is_taken_is_reported(tmp_path: Path) -> None:
    plugin(tmp_path, "a", RECIPE + "\n__all__ = [CustomDriver]")
    plugin(tmp_path, "b", RECIPE + "\n__all__ = [CustomDriver]")
    registry = only(tmp_path)
    assert [failure.source for failure in registry.failures] == [str(tmp_path / "b")]
    assert "taken by" in registry.failures[0].message


def test_a_plugin_cannot_replace_a_built_in(tmp_path: Path) -> None:
    plugin(tmp_path, "evil", RECIPE.replace('"custom"', '"netmiko"') + "\n__all__ = [CustomDriver]")
    registry = DriverRegistry([tmp_path])
    assert registry.get("netmiko").__module__.startswith("netpulse_drivers.")
    assert "entry point" in registry.failures[0].message


def test_missing_directory_is_reported(tmp_path: Path) -> None:
    [failure] = only(tmp_path / "nowhere").failures
    assert failure.message == "plug-in directory does not exist"


def test_unknown_driver_lists_the_known_ones(tmp_path: Path) -> None:
    plugin(tmp_path, "one", RECIPE + "\n__all__ = [CustomDriver]")
    with pytest.raises(UnknownDriver, match="known drivers: custom") as caught:
        only(tmp_path).get("netmico")
    assert caught.value.known == ["custom"]
    assert caught.value.phase == "validate"


def test_broken_entry_point_is_found_when_it_is_asked_for_and_says_why() -> None:
    point = EntryPoint(name="acme", value="no_such_package.driver:Driver", group="netpulse.drivers")
    registry = DriverRegistry(points=[point])
    assert registry.names() == ["acme"]
    for _ in range(2):
        with pytest.raises(UnknownDriver, match="failed to load: ModuleNotFoundError"):
            registry.get("acme")
    assert len(registry.failures) == 1
    assert registry.names() == []


def test_entry_point_and_driver_name_must_agree() -> None:
    point = EntryPoint(name="other", value="netpulse_drivers.netmiko:NetmikoDriver", group="netpulse.drivers")
    with pytest.raises(UnknownDriver, match="driver_name is 'netmiko'"):
        DriverRegistry(points=[point]).get("other")


def test_installed_drivers_are_imported_only_when_asked_for() -> None:
    script = (
        "import sys; from netpulse_drivers import DriverRegistry; r = DriverRegistry(); n = r.names();"
        "assert 'netmiko' in n, n; assert 'netmiko' not in sys.modules and 'napalm' not in sys.modules;"
        "r.get('netmiko'); assert 'netmiko' in sys.modules and 'napalm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_load_all_preloads_and_goes_on_where_that_fails(tmp_path: Path) -> None:
    preloading = "    @classmethod\n    def preload(cls, platform_dirs=()):\n        "
    failing = RECIPE + preloading + "raise OSError('no such table')\n"
    ready = RECIPE.replace('"custom"', '"ready"') + "    tables = []\n" + preloading + "cls.tables.append('read')\n"
    plugin(tmp_path, "failing", "from .custom import CustomDriver\n__all__ = [CustomDriver]\n", custom=failing)
    plugin(tmp_path, "ready", "from .custom import CustomDriver\n__all__ = [CustomDriver]\n", custom=ready)
    registry = only(tmp_path)
    loaded = registry.load_all()
    assert set(loaded) == {"custom", "ready"}
    assert loaded["ready"].tables == ["read"]  # type: ignore[attr-defined]  # the test's own
    assert [failure.message for failure in registry.failures] == ["OSError: no such table"]


def test_load_all_goes_on_after_a_failure() -> None:
    points = [
        EntryPoint(name="acme", value="no_such_package.driver:Driver", group="netpulse.drivers"),
        EntryPoint(name="netmiko", value="netpulse_drivers.netmiko:NetmikoDriver", group="netpulse.drivers"),
    ]
    registry = DriverRegistry(points=points)
    assert list(registry.load_all()) == ["netmiko"]
    assert [failure.source for failure in registry.failures] == ["entry point acme = no_such_package.driver:Driver"]
