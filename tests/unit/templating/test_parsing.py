"""TextFSM and TTP templates in the template process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.models.templates import ParsingOptions
from netpulse_broker.settings import TemplateSettings
from netpulse_broker.templating.client import TemplateCalls, WorkerParser
from netpulse_broker.templating.detection import parser_of
from netpulse_broker.templating.process_owner import TemplateProcessOwner
from netpulse_broker.templating.work import TemplateWork
from netpulse_drivers import Deadline, NetPulseError, ParseFailed, TemplateRefused
from tests.unit.templating.conftest import Run

INTERFACES = "Value INTERFACE (\\S+)\nValue IP ([\\d.]+)\n\nStart\n  ^${INTERFACE}\\s+${IP} -> Record\n"
CLOCK = "*03:04:05.678 UTC Fri Jan 2 2026"


def test_an_own_textfsm_template(parse: Run) -> None:
    assert parse("textfsm", INTERFACES, "Gi1 192.0.2.1\nnoise\nGi2 192.0.2.2") == [
        {"INTERFACE": "Gi1", "IP": "192.0.2.1"},
        {"INTERFACE": "Gi2", "IP": "192.0.2.2"},
    ]


def test_ntc_templates(parse: Run) -> None:
    found = parse("textfsm", None, CLOCK, args={"platform": "cisco_ios", "command": "show clock"})
    assert found[0]["year"] == "2026"
    with pytest.raises(ParseFailed, match="no template for 'show nothing' on platform 'cisco_ios'"):
        parse("textfsm", None, CLOCK, args={"platform": "cisco_ios", "command": "show nothing"})
    with pytest.raises(ParseFailed, match="by platform and command: give both"):
        parse("textfsm", None, CLOCK)


def test_a_malformed_textfsm_template_has_its_line(parse: Run) -> None:
    with pytest.raises(TemplateFailed) as caught:
        parse("textfsm", "Value A (\\S+)\n\nStart\n  ^${B} -> Record\n", "x")
    assert caught.value.details == [{"line": 4}]


def test_an_output_that_does_not_fit(parse: Run) -> None:
    template = "Value A (\\d+)\n\nStart\n  ^${A} -> Record\n  ^. -> Error\n"
    assert parse("textfsm", template, "1") == [{"A": "1"}]
    with pytest.raises(ParseFailed, match="does not fit"):
        parse("textfsm", template, "x")


def test_a_pattern_that_does_not_end_is_ended(parse: Run) -> None:
    """A regular expression holds the interpreter: only the kernel can end it."""
    with pytest.raises(ParseFailed, match=r"did not come to an end within 0\.5 s"):
        parse("textfsm", "Value A ((a+)+)\n\nStart\n  ^${A}$$ -> Record\n", "a" * 60 + "!", seconds=0.5)


def test_a_ttp_template(parse: Run) -> None:
    template = (
        '<group name="interfaces*">\ninterface {{ name | contains("Gi") }}\n'
        " description {{ text | ORPHRASE }}\n</group>"
    )
    text = "interface Gi1\n description to core\ninterface Te1\n description x\n"
    assert parse("ttp", template, text) == [[{"interfaces": [{"name": "Gi1", "text": "to core"}]}]]
    assert parse("ttp", "vlan {{ id | to_int }}", "vlan 10") == [[{"id": 10}]]


def test_variables_of_ttp_are_literals(parse: Run) -> None:
    template = (
        '<vars>\nsite = "lab"\nnumbers = [1, 2]\n</vars>'
        '\n<group name="v">\nvlan {{ id }}\n{{ where | set("site") }}\n</group>'
    )
    assert parse("ttp", template, "vlan 10")[0][0]["v"] == {"id": "10", "where": "lab"}


EVIL = "__import__('os').system('touch {mark}')"


@pytest.mark.parametrize(
    "template",
    [
        "<macro>\n" + EVIL + "\ndef f(data):\n    return data\n</macro>\nx {{ a | macro('f') }}",
        "x {{ a | contains(" + EVIL + ") }}",
        "x {{ a | contains(f=" + EVIL + ") }}",
        '<group name="g" contains="' + EVIL + '">\nx {{ a }}\n</group>',
        "<vars>\na = " + EVIL + "\n</vars>\nx {{ a }}",
        "<vars>" + EVIL + "</vars>\nx {{ a }}",
        '<lookup name="l">\n' + EVIL + "\n</lookup>\nx {{ a }}",
        '<lookup name="l" load="python" include="/etc/passwd">x</lookup>\nx {{ a }}',
        '<vars include="/etc/passwd"/>\nx {{ a }}',
        '<input load="text">\nx 1\n</input>\nx {{ a }}',
        '<output returner="file" url="{mark}"/>\nx {{ a }}',
        '<extend template="/etc/passwd"/>\nx {{ a }}',
        "<template><template><macro>\n" + EVIL + "\n</macro>\nx {{ a }}</template></template>",
        '<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]><group>x {{ a }} &e;</group>',
        "x {{ a | dns }}",
    ],
)
def test_a_ttp_template_runs_no_code(parse: Run, tmp_path: Path, template: str) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(NetPulseError) as caught:
        parse("ttp", template.replace("{mark}", str(mark)), "x 1")
    assert isinstance(caught.value, TemplateFailed | ParseFailed)
    assert "root:" not in caught.value.message
    assert not mark.exists()


def test_a_text_that_is_a_path_stays_a_text(parse: Run) -> None:
    """TTP by itself reads the file whose path it is given as data or as template."""
    assert parse("ttp", "{{ line | _line_ }}", "/etc/passwd") == [[{"line": "/etc/passwd"}]]
    assert "root" not in str(parse("ttp", "/etc/passwd", "root:x:0:0:root:/root:/bin/bash"))


def test_a_malformed_ttp_template(parse: Run) -> None:
    with pytest.raises(TemplateFailed, match="no well-formed XML"):
        parse("ttp", "<group>\nx {{ a }}", "x 1")


def test_a_template_can_be_checked_without_an_output(calls: TemplateCalls) -> None:
    assert calls.run(TemplateWork(do="check", engine="textfsm", template=INTERFACES)) is None
    with pytest.raises(TemplateFailed):
        calls.run(TemplateWork(do="check", engine="textfsm", template="x"))
    with pytest.raises(BadRequest, match="unknown parser 'nobody'; known: genie, textfsm, ttp"):
        calls.run(TemplateWork(do="check", engine="nobody", template="x"))


def test_a_worker_s_parser_keeps_the_job_s_deadline(calls: TemplateCalls) -> None:
    parser = WorkerParser(calls, TemplateSettings())
    how = {"engine": "textfsm", "template": None, "args": {"platform": "cisco_ios"}}
    assert parser(how, "show clock", CLOCK, Deadline.after(10))[0]["day"] == "2"
    with pytest.raises(ParseFailed, match="time was over"):
        parser(how, "show clock", CLOCK, Deadline.after(0))
    with pytest.raises(TemplateRefused, match="malformed"):
        parser(how | {"template": "x"}, "show clock", CLOCK, Deadline.after(10))


def test_an_installed_package_brings_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_netpulse.py").write_text(
        "class Lines:\n"
        "    def prepare(self, template, args):\n"
        "        self.key = template or 'line'\n"
        "    def parse(self, text):\n"
        "        return [{self.key: line} for line in text.splitlines()]\n"
        "class Shout:\n"
        "    def prepare(self, template, args, directory):\n"
        "        self.template = template\n"
        "    def render(self, context, *, max_size):\n"
        "        return self.template.upper()\n"
        "class Reader(Lines):\n"
        "    def parse(self, text):\n"
        "        return open('/etc/passwd').read()\n"
    )
    information = tmp_path / "acme_netpulse-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-netpulse\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[netpulse.parsers]\nlines = acme_netpulse:Lines\nreader = acme_netpulse:Reader\nlost = acme_netpulse:Lost\n"
        "[netpulse.renderers]\nshout = acme_netpulse:Shout\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with TemplateProcessOwner() as service:
        run = TemplateCalls(service.name).run
        assert run(TemplateWork(do="parse", engine="lines", text="a\nb")) == [{"line": "a"}, {"line": "b"}]
        assert run(TemplateWork(do="render", engine="shout", template="vlan 10")) == "VLAN 10"
        with pytest.raises(ParseFailed, match="Too many open files"):
            run(TemplateWork(do="parse", engine="reader", text="x"))
        with pytest.raises(TemplateFailed, match=r"the parser 'lost' .* cannot be loaded"):
            run(TemplateWork(do="parse", engine="lost", text="x"))
        with pytest.raises(BadRequest, match="known: genie, lines, lost, reader, textfsm, ttp"):
            run(TemplateWork(do="parse", engine="none", text="x"))


@pytest.mark.parametrize(
    ("template", "engine"),
    [
        (INTERFACES, "textfsm"),
        ("Value Filldown,Required A (\\S+)\n\nStart\n", "textfsm"),
        ("<group>\nvlan {{ id }}\n</group>", "ttp"),
        ("vlan {{ id }}", "ttp"),
        ("{% for a in b %}{{ a }}{% endfor %}", None),
        ("vlan 10", None),
        ("{{" * 400_000, None),
        ("Value " * 100_000, None),
    ],
)
def test_the_parser_is_found_from_the_template(template: str, engine: str | None) -> None:
    if engine is not None:
        assert parser_of(ParsingOptions(), template) == engine
        return
    with pytest.raises(BadRequest, match="does not show what parses with it"):
        parser_of(ParsingOptions(), template)


@pytest.mark.parametrize("context", ['{"a": ' * 600 + "1" + "}" * 600, '{"a": "\\ud800"}'])
def test_data_that_cannot_be_read_is_refused(calls: TemplateCalls, context: str) -> None:
    work = TemplateWork.model_construct(do="render", engine="jinja2", template="{{ a }}", context=json.loads(context))
    with pytest.raises(BadRequest, match="template or data cannot be read"):
        calls.run(work)


def test_genie_where_it_is_not_installed(parse: Run) -> None:
    with pytest.raises(ParseFailed, match=r"package pyats\[library\]"):
        parse("genie", None, "x", args={"platform": "cisco_ios", "command": "show version"})
    with pytest.raises(ParseFailed, match="knows no platform 'arista_eos'"):
        parse("genie", None, "x", args={"platform": "arista_eos", "command": "show version"})
    with pytest.raises(TemplateFailed, match="takes no template"):
        parse("genie", "x", "x")
