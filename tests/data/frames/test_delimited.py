"""Delimited text as people have it: the right reading, or a question that names its parameter."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import Limits

AB = {"a": ["1", "3"], "kind": ["x", "y z"]}


@pytest.mark.parametrize(
    "text",
    [
        "a,kind\n1,x\n3,y z\n",
        "a,kind\n1,x\n3,y z",
        "a;kind\n1;x\n3;y z\n",
        "a\tkind\n1\tx\n3\ty z\n",
        "a|kind\n1|x\n3|y z\n",
        'a kind\n1 x\n3 "y z"\n',
        '  a    kind\n  1    x\n  3    "y z"  \n',
        "a,kind\r\n1,x\n3,y z\r\n",
        "a,kind\r1,x\r3,y z\r",
        "\ufeffa,kind\n1,x\n3,y z\n",
        " a , kind\n 1 , x\n3,  y z \n",
        '"a","kind"\n"1","x"\n"3","y z"\n',
        "'a','kind'\n'1','x'\n'3','y z'\n",
        'a, "kind"\n1,  "x"\n3, "y z"\n',
        "a,kind\n\n1,x\n\n3,y z\n",
        "\n\na,kind\n1,x\n3,y z\n\n\n",
        "a,kind\n  \n1,x\n3,y z\n",
        "# station 7\n% second\na,kind\n1,x\n3,y z\n",
        "sep=;\na;kind\n1;x\n3;y z\n",
        "A table of 2024\nfrom the archive\n\na,kind\n1,x\n3,y z\n",
        "a,kind,\n1,x,\n3,y z,\n",
        "a,kind\n1,x,\n3,y z,\n",
        "a,kind,\n1,x\n3,y z\n",
        "a;kind;;\n1;x;;\n3;y z;;\n;;;\n;;;\n",
    ],
)
def test_spellings_of_one_table_are_one_frame(read, columns, text):
    frame = read(text)
    assert columns(frame) == AB
    assert frame.named
    line = next(
        n
        for n, one in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        if "x" in one and "1" in one
    )
    assert frame.first_row == line + 1


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_other_encodings_are_read_and_said(read, columns, codes, codec):
    text = "größe,art\n1,über\n2,blau\n"
    mark = "\ufeff" if codec == "utf-16-be" else ""
    frame = read((mark + text).encode(codec))
    assert columns(frame) == {"größe": ["1", "2"], "art": ["über", "blau"]}
    assert codes(frame) == ([] if codec == "utf-8-sig" else ["encoding"])


def test_an_encoding_that_is_named_is_taken(read, columns, refused):
    content = "a,art\n1,ж\n2,я\n".encode("koi8-r")
    assert columns(read(content, encoding="koi8-r"))["art"] == ["ж", "я"]
    for encoding in ("ascii", "no-such", "zlib"):
        assert refused(content, encoding=encoding).mistakes[0].path == "encoding"
    wide = "a,kind\n1,x\n".encode("utf-16-le")
    assert "encoding=utf-16-le" in str(refused(wide))
    assert columns(read(wide, encoding="utf-16-le")) == {"a": ["1"], "kind": ["x"]}


def test_decimal_commas_do_not_separate(read, columns):
    assert columns(read("id;len\n1;2,5\n2;12.000,10\n"))["len"] == ["2,5", "12.000,10"]
    assert columns(read("a b\n1,5 2,5\n3,5 4,5\n"))["b"] == ["2,5", "4,5"]
    assert columns(read("1,5;2,5\n3,5;4,5\n", header=False)) == {
        "c1": ["1,5", "3,5"],
        "c2": ["2,5", "4,5"],
    }


def test_names_of_rows_that_the_header_lacks_are_a_column_without_a_name(read, columns):
    text = '"x" "g" "n"\n"1" 1.5 "a" 7\n"2" 2.5 "b" 3\n'
    expected = {"": ["1", "2"], "x": ["1.5", "2.5"], "g": ["a", "b"], "n": ["7", "3"]}
    assert columns(read(text)) == expected
    assert columns(read(text.replace(" ", "\t"))) == expected
    assert columns(read('"","x","g"\n"1",1.5,"a"\n"2",NA,"b"\n'))["x"] == ["1.5", "NA"]


def test_comments_and_titles_are_said(read, codes):
    assert codes(read("# station 7\n# v2, 2024\nid,len,col\n1,2.5,red\n")) == ["comments"]
    frame = read("Table 1\nid,len,col\n1,2.5,red\n2,3.5,blue\n")
    assert (codes(frame), frame.first_row) == (["titles"], 3)
    assert codes(read("Report,,\nid,len,col\n1,2.5,red\n2,3.5,blue\n")) == ["titles"]


def test_a_comment_that_names_the_columns_is_asked_about(read, columns, refused):
    text = "# made by hand\n#a,b,kind\n5,7,x\n3,4,y\n"
    (mistake,) = refused(text).mistakes
    assert mistake.path == "header"
    assert "header=2" in mistake.message
    assert columns(read(text, header=2))["a"] == ["5", "3"]
    assert columns(read("#,name\n1,x\n2,y\n")) == {"#": ["1", "2"], "name": ["x", "y"]}


def test_a_line_of_units_is_left_out_and_said(read, columns, codes):
    frame = read("id,len,col\n-,mm,-\n1,2.5,red\n2,3.5,blue\n")
    assert columns(frame) == {"id": ["1", "2"], "len": ["2.5", "3.5"], "col": ["red", "blue"]}
    (note,) = frame.notes
    assert note.code == "units"
    assert "len: mm" in note.message
    assert frame.first_row == 3


def test_a_word_among_numbers_is_no_unit(read, columns):
    frame = read("name,score\nBob,absent\nAnn,3\nCid,4\n")
    assert columns(frame)["score"] == ["absent", "3", "4"]
    frame = read("a,b,kind\nlost,lost,x\n3,4,y\n5,6,x\n", missing=("lost",))
    assert columns(frame)["a"] == ["lost", "3", "5"]


def test_a_second_line_of_names_is_joined_and_a_third_one_refused(read, columns, codes, refused):
    frame = read("a,a,b\np,q,r\n1,2.5,u\n3,4.5,v\n")
    assert columns(frame) == {"a_p": ["1", "3"], "a_q": ["2.5", "4.5"], "b_r": ["u", "v"]}
    assert codes(frame) == ["two_headers"]
    error = refused("a,a,b\np,q,r\nmm,cm,-\n1,2.5,u\n3,4.5,v\n")
    assert error.mistakes[0].path == "header"
    assert "a, a, b; p, q, r; mm, cm, -" in str(error)


def test_a_last_line_that_stands_alone_is_left_out_with_a_note(read, columns):
    frame = read("id,len\n1,2.5\n2,3.5\n\nTotal,6.0\n")
    assert columns(frame) == {"id": ["1", "2"], "len": ["2.5", "3.5"]}
    (note,) = frame.notes
    assert (note.code, note.severity) == ("last_line", "warning")
    assert "line 5, 'Total,6.0'" in note.message
    assert "Total" in str(read("Sizes\n\nid,len\n1,2.5\n2,3.5\n\nTotal,6.0").notes[-1].message)


@pytest.mark.parametrize(
    "text", ["id,len\n\n1,2.5\n\n2,3.5\n\n7,6.0\n", "id,len\n1,2.5\n\n2,3.5\n3,1\n\n7,6.0\n"]
)
def test_a_last_line_between_blank_lines_is_a_row_like_the_others(read, columns, text):
    frame = read(text)
    assert columns(frame)["id"][-1] == "7"
    assert frame.notes == ()


def test_short_and_long_rows_are_refused_by_their_lines(refused):
    error = refused("id,len,col\n1,2.5,red\n2,3.5\n\n3,4.25,red\n4,1,red,x\n5,1,red\n6,1,red\n")
    assert [mistake.path for mistake in error.mistakes] == ["line 3", "line 6"]
    assert "line 3 has 2 of 3 fields" in error.mistakes[0].message
    assert "line 6 has 4 of 3 fields" in error.mistakes[1].message


def test_lines_are_counted_through_quotes_that_go_over_several(refused):
    rows = '1,"two\nlines"\n' * 3000 + "5\n" + "1,x\n" * 10
    assert refused("id,note\n" + rows).mistakes[0].path == "line 6002"


def test_quotes_hold_separators_breaks_and_quotes(read, columns):
    frame = read('id,note\n1,"two\nlines"\n2,"say ""hi"", you"\n3,5" pipe\n4,5" pipe\n')
    assert columns(frame)["note"] == ["two\nlines", 'say "hi", you', '5" pipe', '5" pipe']
    frame = read('n, note\n1, "a, b"\n2, "he said, ""no"""\n3,c\n')
    assert columns(frame)["note"] == ["a, b", 'he said, "no"', "c"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('id,note\n1,a\n2,"b\n3,c\n', 3),
        ('id,note\n1,a\n2,"b"c\n3,c\n', 3),
        ("id,note\n" + "1,a\n" * 2000 + '2,"b\n3,c\n', 2002),
        ("id,note\n" + "1,a\n" * 2000 + '2,"b\n3,"c\n4,d\n', 2002),
    ],
)
def test_quotes_that_do_not_fit_are_refused(refused, text, line):
    error = refused(text)
    assert error.mistakes[0].path == f"line {line}"
    assert "quotes are closed" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n",
        "150,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n4.6,3.1,1.5,0.2,0\n",
        "x,s,n,n\nb,s,w,e\nx,y,n,p\n",
        "1,5;2,5\n3,5;4,5\n",
        "2024-01-01,a\n2024-01-02,b\n",
    ],
    ids=["numbers", "scikit-learn", "letters", "decimal commas", "dates"],
)
def test_a_first_line_that_may_be_a_row_is_asked_about(read, refused, text):
    (mistake,) = refused(text).mistakes
    assert mistake.path == "header"
    assert "header=true" in mistake.message
    assert "header=false" in mistake.message
    rows = text.count("\n")
    frame = read(text, header=False)
    assert (frame.rows, frame.named, frame.first_row) == (rows, False, 1)
    assert [one.name for one in frame.columns] == [f"c{n + 1}" for n in range(len(frame.columns))]
    if "n,n" not in text:
        assert read(text, header=True).rows == rows - 1


def test_names_that_count_the_columns_are_names(read):
    frame = read("0,1,2,3,4\n5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n")
    assert [one.name for one in frame.columns] == ["0", "1", "2", "3", "4"]
    assert read("7,8,kind\n1,2,a\n3,4,b\n", label="kind").named


def test_the_line_of_names_can_be_named(read, columns, refused):
    text = "made by hand, see below, 2024\nm,kg,-\na,b,kind\n1,2,x\n3,4,y\n"
    assert columns(read(text, header=3)) == {"a": ["1", "3"], "b": ["2", "4"], "kind": ["x", "y"]}
    assert refused(text, header=9).mistakes[0].path == "header"


def test_names_can_be_given(read, columns, refused):
    assert list(columns(read("1,2,x\n3,4,y\n", header=False, names=("a", "b", "c")))) == [
        "a",
        "b",
        "c",
    ]
    assert list(columns(read("x,x,y\n1,2,a\n", names=("p", "q", "r")))) == ["p", "q", "r"]
    assert list(columns(read(",x,y\n0,2,a\n1,3,b\n", names=("p", "q")))) == ["", "p", "q"]
    assert refused("a,b\n1,2\n", names=("p",)).mistakes[0].path == "names"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("x,x,y", "'x' is there twice, as columns 1 and 2"),
        ("x,,y", "column 2 has no name"),
        ("x,a\x07,y", "no column name"),
        ("x," + "a" * 201 + ",y", "no column name"),
    ],
)
def test_names_that_cannot_be_used_are_refused(refused, header, said):
    error = refused(f"{header}\n1,2,a\n3,4,b\n")
    assert error.mistakes[0].path.startswith("header[")
    assert said in str(error)
    assert "names=" in str(error)


def test_a_separator_that_is_named_is_taken(read, columns, refused):
    text = "a:b\n1:2\n3:4\n"
    assert columns(read(text, delimiter=":")) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert columns(read("a b,c\n1 2,3\n", delimiter="space")) == {"a": ["1"], "b,c": ["2,3"]}
    assert refused(text, delimiter="::").mistakes[0].path == "delimiter"


def test_two_separators_that_fit_as_well_are_asked_about(refused, read):
    text = "p|q;r\na|b;c\nd|e;f\n"
    (mistake,) = refused(text).mistakes
    assert mistake.path == "delimiter"
    assert "delimiter=|" in mistake.message
    assert "delimiter=;" in mistake.message
    assert len(read(text, delimiter=";").columns) == 2


def test_a_column_of_words_with_commas_or_blanks_stays_one(read, columns):
    text = "city\tpeople\nWashington, DC\t5\nNew York\t8\nParis\t2\n"
    assert columns(read(text))["city"] == ["Washington, DC", "New York", "Paris"]
    text = "when,what\n2024-01-01 10:00,a\n2024-01-02 11:00,b\n"
    assert columns(read(text))["when"] == ["2024-01-01 10:00", "2024-01-02 11:00"]


def test_a_mix_of_blanks_and_tabs_is_blanks(read, columns):
    rows = '18.0   8   307.0\t"chevrolet malibu"\n15.0   8   350.0\t"buick"\n'
    frame = read(rows, header=False)
    assert columns(frame)["c4"] == ["chevrolet malibu", "buick"]


def test_a_table_of_one_column_keeps_its_gaps(read, columns):
    assert columns(read("ok\nT\n\nF\n")) == {"ok": ["T", "", "F"]}


def test_cells_that_moved_to_the_left_are_noted(read, codes):
    rows = "".join(f"{n},2,6,13\n{n},5,6,\n{n},7,,\n" for n in range(10, 20))
    frame = read("a,b,col1,col2\n" + rows)
    assert codes(frame) == ["padded_rows"]
    assert codes(read("a,b,c,d\n1,2,,\n1,,3,4\n1,2,3,\n")) == []


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "x"),
        (b"\n\n", "x"),
        (b"# only\n", "x"),
        (b"a,b\n", "x"),
        (b"a,b\n1,\x00\n", "line 2"),
        (b"a,y\n1," + b"b" * (5 << 20), "line 2"),
        (b'a,y\n1,"' + b"b\n" * (9 << 20), "line 2"),
        (b"a,y\n1,2\n" + b"1," + b"b" * 600_000 + b"\n", "line 3"),
        (b"\x81\x8d,\x8f\n1,2\n", "encoding"),
        (b"\xff\xfea\n\xd8", "encoding"),
    ],
)
def test_what_is_no_table_is_refused(refused, content, path):
    assert refused(content).mistakes[0].path == path


@pytest.mark.parametrize(
    ("limits", "said"),
    [(Limits(rows=1), "2 rows"), (Limits(columns=1), "2 features"), (Limits(data=8), "16 bytes")],
)
def test_the_limits_are_named(read, limits, said):
    with pytest.raises(errors.TooLarge, match=said):
        read("a,b\n1,2\n3,4\n", limits=limits)


def test_a_long_table_is_read_in_blocks(read, columns):
    rows = "".join(f"{n},{n / 7!r},word{n % 5}\n" for n in range(250_000))
    frame = read("id,value,word\n" + rows)
    cells = columns(frame)
    assert cells["id"] == [str(n) for n in range(250_000)]
    assert cells["word"][-1] == "word4"


CELLS = st.text(alphabet="abcXY ,;|'\t\"\n0123456789.é-", max_size=6)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(read, rows, delimiter, end):
    stripped = [[cell.strip() for cell in row] for row in rows]
    assume(any(any(row) for row in stripped))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    frame = read(buffer.getvalue(), delimiter=delimiter, header=False)
    found = zip(*(one.cells.to_pylist() for one in frame.columns), strict=True)
    assert list(map(list, found)) == [row for row in stripped if any(row)]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(alphabet="ab,;|\"'\n\r\t 0123456789.eE_-+#%=\x00\ufeff{}[]@", max_size=80))
def test_any_text_is_read_or_refused(read, text):
    try:
        frame = read(text)
    except errors.UserError:
        return
    assert len({len(one.cells) for one in frame.columns}) == 1


def test_a_sheet_of_a_file_without_sheets_is_refused(refused) -> None:
    said = refused("a,b\n1,x\n2,y\n", sheet="first")
    assert said.mistakes[0].path == "sheet"
    assert "workbook" in said.summary
