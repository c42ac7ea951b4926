"""Jinja2 templates in the template process: what they make, and what they cannot do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.templating.client import TemplateCalls
from netpulse_broker.templating.process_owner import TemplateProcessOwner
from netpulse_broker.templating.work import TemplateWork
from tests.lab.real.waiting import wait_until
from tests.unit.templating.conftest import Run


def test_a_template_becomes_text(render: Run) -> None:
    template = "{% for v in vlans %}\nvlan {{ v.id }}\n name {{ v.name|upper }}\n{% endfor %}"
    text = render(template, {"args": {"trim_blocks": True}}, vlans=[{"id": 10, "name": "a"}, {"id": 20, "name": "b"}])
    assert text == "vlan 10\n name A\nvlan 20\n name B\n"


@pytest.mark.parametrize(
    ("template", "words", "line"),
    [
        ("a\nb {{ missing }}", "'missing' is undefined; give it in the context", 2),
        ("a\n\n{{ x.y.z }}", "has no attribute 'y'", 3),
        ("a\n{% if %}", "Expected an expression", 2),
        ("a\n{% for x in y %}", "Unexpected end of template", 2),
        ("\n{{ 1 / 0 }}", "ZeroDivisionError", 2),
        ("{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", "calls itself without end", 2),
    ],
)
def test_what_is_wrong_is_told_with_its_line(render: Run, template: str, words: str, line: int) -> None:
    with pytest.raises(TemplateFailed) as caught:
        render(template, x={})
    assert words in caught.value.message
    assert caught.value.details[0]["line"] == line


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ x.__init__.__globals__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ ('{0.__class__}'|format) }}{{ '%s'|attr('for' ~ 'mat') }}{{ ''['__class__'] }}",
    "{{ self.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__['os'].popen('id').read() }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ [].append(1) }}{{ x.append(1) }}",
    "{{ x.clear() }}",
    "{% set f = range.__call__ %}{{ f.__self__ }}",
    "{{ (x|map('attr', '__class__')|list)[0].__name__ }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_no_way_out_of_the_sandbox(render: Run, template: str) -> None:
    with pytest.raises(TemplateFailed) as caught:
        render(template, x=[1])
    assert "uid=" not in caught.value.message


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 10 ** (10 ** 8) }}",
        "{% for a in range(99999) %}{{ x|sort|list|length and '' }}{% endfor %}",
    ],
)
def test_a_template_that_does_not_end_is_ended(render: Run, template: str) -> None:
    with pytest.raises(TemplateFailed, match=r"did not come to an end within 0\.5 s"):
        render(template, {"seconds": 0.5}, x=list(range(20000)))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for a in range(99999) %}{{ 'x' * 999 }}{% endfor %}", "larger than 5000 characters"),
        ("{{ 'x' * 10**10 }}", "memory"),
        ("{{ range(10**9)|list }}", "Range too big"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
    ],
)
def test_sizes_are_bounded(render: Run, template: str, words: str) -> None:
    with pytest.raises(TemplateFailed, match=words):
        render(template, {"max_size": 5000})


def test_others_are_served_meanwhile(service: TemplateProcessOwner) -> None:
    ended: list[str] = []

    def loop() -> None:
        work = TemplateWork(do="render", engine="jinja2", template="{{ 10 ** (10 ** 8) }}", seconds=4, max_memory=2**30)
        with pytest.raises(TemplateFailed):
            TemplateCalls(service.name).run(work)
        ended.append("loop")

    thread = threading.Thread(target=loop)
    thread.start()
    quick = TemplateWork(do="render", engine="jinja2", template="x")
    assert TemplateCalls(service.name).run(quick) == "x"
    assert ended == []
    thread.join()


def test_the_process_comes_back_after_being_killed(service: TemplateProcessOwner, render: Run) -> None:
    assert render("a") == "a"
    assert service._process is not None
    service._process.kill()
    wait_until(lambda: service._process is not None and service._process.poll() is not None, what="its end")
    assert render("b") == "b"


def test_nothing_of_ours_is_in_the_process(
    service: TemplateProcessOwner, render: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETPULSE_SECURITY__MASTER_KEY", "hidden-master-key")
    with TemplateProcessOwner() as other:
        assert TemplateCalls(other.name).run(TemplateWork(do="render", engine="jinja2", template="x")) == "x"
        assert other._process is not None
        process = psutil.Process(other._process.pid)
        assert "hidden" not in str(process.environ())
    assert not process.is_running()


def in_directory(calls: TemplateCalls, directory: Path) -> Callable[[str], Any]:
    def run(template: str) -> Any:
        return calls.run(
            TemplateWork(do="render", engine="jinja2", template=template, context={"x": "1"}, directory=str(directory))
        )

    return run


def test_templates_of_the_directory_can_be_included(calls: TemplateCalls, tmp_path: Path) -> None:
    (tmp_path / "ios").mkdir()
    (tmp_path / "ios" / "base.j2").write_text("begin {% block b %}{% endblock %} {% include 'end.j2' %}")
    (tmp_path / "end.j2").write_text("end {{ x }}")
    (tmp_path / "macros.j2").write_text("{% macro m(a) %}<{{ a }}>{% endmacro %}")
    (tmp_path / "broken.j2").write_text("a\n\n{% if %}")
    render = in_directory(calls, tmp_path)
    assert render("{% extends 'ios/base.j2' %}{% block b %}x{% endblock %}") == "begin x end 1"
    assert render("{% import 'macros.j2' as o %}{{ o.m(x) }}") == "<1>"
    assert render("{% include ['e', 'nd.j2']|join %}") == "end 1"
    for reference in ("{% include 'broken.j2' %}", "{% include ['brok', 'en.j2']|join %}"):
        with pytest.raises(TemplateFailed) as caught:
            render(reference)
        assert caught.value.details == [{"line": 3, "template": "broken.j2"}]
    with pytest.raises(TemplateFailed, match=r"there is no template 'x\.j2'"):
        render("{% include ['x', '.j2']|join %}")
    assert render("{% include 'none.j2' ignore missing %}.") == "."


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "link", "a/../../secret", ".hidden", "none", "dir"])
def test_nothing_outside_the_directory_is_read(calls: TemplateCalls, tmp_path: Path, name: str) -> None:
    root = tmp_path / "templates"
    (root / "dir").mkdir(parents=True)
    (tmp_path / "secret").write_text("hidden")
    (root / ".hidden").write_text("hidden")
    (root / "link").symlink_to(tmp_path / "secret")
    render = in_directory(calls, root)
    with pytest.raises((BadRequest, TemplateFailed)) as caught:
        render(f"{{% include '{name}' %}}")
    assert "hidden" not in caught.value.message.replace(".hidden", "")


def test_an_unknown_renderer_and_unknown_arguments(calls: TemplateCalls) -> None:
    with pytest.raises(BadRequest, match="unknown renderer 'mako'; known: jinja2"):
        calls.run(TemplateWork(do="render", engine="mako", template="x"))
    for args in ({"extensions": ["jinja2.ext.do"]}, {"trim_blocks": "yes"}, {"undefined": "x"}):
        with pytest.raises(BadRequest, match="args: "):
            calls.run(TemplateWork(do="render", engine="jinja2", template="x", args=args))


def test_another_user_is_not_served(service: TemplateProcessOwner, render: Run) -> None:
    if os.geteuid() != 0:
        pytest.skip("takes root to become somebody else")
    assert render("a") == "a"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            work = TemplateWork(do="render", engine="jinja2", template="a")
            os.write(writer, str(TemplateCalls(service.name).run(work)).encode())
        except Exception as error:  # noqa: BLE001 - told to the parent
            os.write(writer, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 100) in {b"TemplateFailed", b"TemplatesUnavailable"}


def test_the_process_ends_with_its_owner() -> None:
    program = (
        "import sys, time\n"
        "from netpulse_broker.templating.client import TemplateCalls\n"
        "from netpulse_broker.templating.process_owner import TemplateProcessOwner\n"
        "from netpulse_broker.templating.work import TemplateWork\n"
        "service = TemplateProcessOwner()\n"
        "service.start()\n"
        "TemplateCalls(service.name).run(TemplateWork(do='render', engine='jinja2', template='x'))\n"
        "print(service._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        process = psutil.Process(int(owner.stdout.readline()))
        assert process.is_running()
        owner.kill()
    wait_until(lambda: not process.is_running() or process.status() == "zombie", what="the end of the process")
