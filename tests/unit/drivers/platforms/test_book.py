"""The platform book: its files, and what a file that is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.platforms import Answer, BookError, PlatformBook, platform_of

NO_DEVICE_TYPES = {"cisco_like", "confd", "nokia_sros_md"}
"""Files that others are like, or that a prompt leads to."""


@pytest.fixture
def book(tmp_path: Path) -> PlatformBook:
    return PlatformBook([tmp_path])


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text)


HEAD = 'about = "A test"\nsource = ["this test"]\n'


@pytest.mark.parametrize("name", PlatformBook().names())
def test_each_file_is_whole(name: str) -> None:
    PlatformBook().check(name)
    assert name in NO_DEVICE_TYPES or {name, f"{name}_telnet"} & set(CLASS_MAPPER)
    assert platform_of(name).source


def test_loading_all_reads_every_file() -> None:
    book = PlatformBook()
    book.load_all()
    assert {book.platform(name).name for name in book.names()} == set(book.names())


def test_after_loading_all_no_file_is_read_again(tmp_path: Path) -> None:
    """The files of a running broker are replaced when it is upgraded."""
    write(tmp_path, "acme_os", HEAD + 'like = "cisco_ios"\n')
    book = PlatformBook([tmp_path])
    book.load_all()
    write(tmp_path, "acme_os", "a newer format")
    assert book.platform("acme_os_telnet").lineage == ("acme_os", "cisco_ios")
    assert book.brought() == ["acme_os"]
    (tmp_path / "acme_os.toml").rename(tmp_path / "other_os.toml")
    assert book.platform("other_os").name == "generic"
    assert book.brought() == ["acme_os"]


def test_the_transport_makes_no_difference() -> None:
    assert platform_of("cisco_ios_telnet") is platform_of("cisco_ios")
    assert platform_of("cisco_ios_ssh") is platform_of("cisco_ios")


def test_a_type_without_a_file_is_the_generic_one() -> None:
    assert platform_of("accedian").name == "generic"
    assert not platform_of("accedian").telling
    assert not platform_of("accedian").refusals.known


def test_what_a_file_does_not_give_is_that_of_the_file_it_is_like(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "child", HEAD + 'like = "cisco_ios"\n[save]\ncommand = "copy run start"\n')
    child, parent = book.platform("child"), book.platform("cisco_ios")
    assert child.save == "copy run start"
    assert child.save_answers == parent.save_answers
    assert (child.prompt, child.refusals.query_texts) == (parent.prompt, parent.refusals.query_texts)
    assert child.telling
    assert child.refusals.known


def test_a_part_of_the_prompt_is_replaced_alone(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "child", HEAD + "like = 'cisco_ios'\n[prompt]\nname = 'only[0-9]'\n")
    expression = book.platform("child").expression
    assert expression.fullmatch("only1(config-if)#")
    assert not expression.fullmatch("r1(config-if)#")


def test_one_table_is_taken_from_another_file(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "child", HEAD + '[refusals]\nlike = "huawei"\n[save]\nlike = "cisco_ios"\ncommand = "save"\n')
    child = book.platform("child")
    assert child.refusals.query_texts == book.platform("huawei").refusals.query_texts
    assert child.save == "save"
    assert child.save_answers == book.platform("cisco_ios").save_answers
    assert child.enable == ""


def test_a_list_is_lengthened(book: PlatformBook, tmp_path: Path) -> None:
    write(
        tmp_path,
        "child",
        HEAD + 'like = "cisco_ios"\n[save]\n'
        'answers = [{ like = "cisco_ios" }, { question = "Sure?", answer = "y" }]\n'
        '[refusals]\nquery = ["No way", { like = "cisco_ios" }]\n',
    )
    child, parent = book.platform("child"), book.platform("cisco_ios")
    assert child.save_answers == (*parent.save_answers, Answer("Sure?", "y"))
    assert child.refusals.query_texts == ("No way", *parent.refusals.query_texts)
    assert child.refusals.harmless_texts == parent.refusals.harmless_texts


def test_own_texts_of_refusals_come_without_the_generic_ones(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "own", HEAD + "[refusals]\nquery = ['No way']\n")
    refusals = book.platform("own").refusals
    assert refusals.known
    assert (refusals.change_texts, refusals.harmless_texts) == ((), ())


def test_files_of_a_later_directory_go_before(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "cisco_nxos", HEAD + 'like = "cisco_ios"\n[save]\ncommand = "mine"\n')
    assert book.platform("cisco_nxos").save == "mine"
    assert book.platform("cisco_nxos_ssh").save == "mine"


def test_a_file_may_be_like_the_one_it_goes_before(book: PlatformBook, tmp_path: Path) -> None:
    write(
        tmp_path,
        "cisco_nxos",
        HEAD + 'like = "cisco_nxos"\n[save]\ncommand = "mine"\n'
        '[refusals]\nquery = ["No way", { like = "cisco_nxos" }]\n',
    )
    mine, theirs = book.platform("cisco_nxos"), PlatformBook().platform("cisco_nxos")
    assert (mine.save, mine.prompt, mine.config_enter) == ("mine", theirs.prompt, theirs.config_enter)
    assert mine.refusals.query_texts == ("No way", *theirs.refusals.query_texts)
    assert mine.lineage == ("cisco_nxos", "cisco_ios")


WRONG = {
    "a key that is none": ("[save]\ncomand = 'save'", "save.comand: no data file has such a key; did you mean 'comm"),
    "a table that is none": ("[saving]\ncommand = 'save'", "saving: no data file has such a key; did you mean 'save'?"),
    "a number for a text": ("[save]\ncommand = 1", "save.command: a text is expected"),
    "a text for a switch": ("[config]\nmodeless = 'no'", "config.modeless: true or false is expected"),
    "a text for a number": ("[commit]\nshortest = '30'", "commit.shortest: a whole number is expected"),
    "a text for a list": ("[config]\nabort = 'abort'", "config.abort: a list is expected"),
    "a number in a list": ("[config]\nabort = [1]", "config.abort[0]: a text is expected"),
    "half an answer": ("[save]\nanswers = [{ question = 'x' }]", "save.answers[0]: { question = ..., answer = ... }"),
    "another reader": ("[prompt]\nreader = 'mine'", "prompt.reader: 'event' or 'netmiko' is expected"),
    "a part of no expression": ("[prompt]\nhots = 'x'", "prompt.hots: no expression has such a part"),
    "a part that is missing": ("[prompt]\nline = '{nothing}#'", "prompt: there is no part 'nothing'"),
    "a file that is missing": ("[refusals]\nlike = 'nobody'", "there is no data file 'nobody.toml'"),
    "a list of a missing file": ("[refusals]\nquery = [{ like = 'nobody' }]", "there is no data file 'nobody.toml'"),
    "a circle": ("[save]\nlike = 'child'", "save.command: child is like child"),
    "an expression that is none": ("[commit]\nfailed = '(x'", "commit.failed: missing ), unterminated subpattern"),
    "an expression in a list": ("[refusals]\nquery = ['(x']", "refusals.query: missing ), unterminated subpattern"),
    "no TOML": ("[save", "Expected ']'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_told_the_place_and_the_remedy(book: PlatformBook, tmp_path: Path, case: str) -> None:
    text, said = WRONG[case]
    write(tmp_path, "child", f"{HEAD}{text}\n")
    with pytest.raises(BookError) as caught:
        book.check("child")
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_says_what_it_is_and_where_that_is_from(book: PlatformBook, tmp_path: Path) -> None:
    write(tmp_path, "bare", "")
    with pytest.raises(BookError, match="about: say in a line"):
        book.platform("bare")
    write(tmp_path, "unsourced", 'about = "x"')
    with pytest.raises(BookError, match="source: name where"):
        book.platform("unsourced")


def test_files_that_are_like_each_other_spoil_no_others(tmp_path: Path) -> None:
    write(tmp_path, "loop_a", HEAD + 'like = "loop_b"\n')
    write(tmp_path, "loop_b", HEAD + 'like = "loop_a"\n')
    write(tmp_path, "table_a", HEAD + '[save]\nlike = "table_b"\n')
    write(tmp_path, "table_b", HEAD + '[save]\nlike = "table_a"\n')
    write(tmp_path, "acme_os", HEAD + 'like = "cisco_ios"\n')
    book = PlatformBook([tmp_path])
    book.load_all()
    assert set(book.failures) >= {"loop_a", "loop_b"}
    assert "loop_a.toml: like: leads in a circle (loop_a -> loop_b -> loop_a)" in book.failures["loop_a"]
    assert "acme_os" not in book.failures
    assert book.platform("acme_os").lineage == ("acme_os", "cisco_ios")
    assert "save.command: table_a is like table_b is like table_a" in book.failures["table_a"]
