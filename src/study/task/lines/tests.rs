//! Tables as people have them.

use super::*;
use crate::base::notice::Weight;

fn said(found: Mistakes) -> Vec<String> {
    found.0.iter().map(ToString::to_string).collect()
}

#[test]
fn every_layout_gives_the_same_pairs() {
    let published =
        "news\tx\t2012\t7\t3.5\tOne, two.\tThree \"four\".\ta\tb\nnews\tx\t2012\t8\t0\ta\tb\n";
    let glue = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n\
        0\tnews\tx\t2012\t7\tp\tq\tOne, two.\tThree \"four\".\t3.5\n1\tnews\tx\t2012\t8\tp\tq\ta\tb\t0\n";
    let commas =
        "id,sentence1,sentence2,score\n1,\"One, two.\",\"Three \"\"four\"\".\",3.5\n2,a,b,0\n";
    let other =
        "\u{feff}score\tsentence2\tsentence1\r\n3.5\tThree \"four\".\tOne, two.\r\n\r\n0\tb\ta\r\n";
    for table in [published, glue, commas, other] {
        let found = pairs(table).unwrap();
        assert_eq!(found.scores, [3.5, 0.0], "{table}");
        assert_eq!(
            found.pairs,
            [("One, two.", "Three \"four\"."), ("a", "b")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
    }
    assert_eq!(
        pairs(commas).unwrap().notices.of(Weight::Note),
        ["column `id` is not used"]
    );
    assert!(pairs(published).unwrap().notices.is_empty());
}

#[test]
fn texts_keep_commas_quotes_and_lines() {
    let table = "label,text\n0,\"one, two\"\n1,\"he said \"\"no\"\"\nand left\"\n0,plain \"quoted\" words\n";
    let found = classified(table, None).unwrap();
    assert_eq!(
        found.texts,
        [
            "one, two",
            "he said \"no\"\nand left",
            "plain \"quoted\" words"
        ]
    );
    // Line 3 of an editor holds the first half of the second row.
    assert_eq!(found.lines, [2, 3, 5]);
    let tabs = classified("text\tlabel\n\"half a quote\t0\n\"whole\"\t1\n", None).unwrap();
    assert_eq!(tabs.texts, ["\"half a quote", "\"whole\""]);
    let notes = tabs.notices.of(Weight::Note);
    assert!(
        notes[0].starts_with("1 fields stand in quotes"),
        "{notes:?}"
    );
}

#[test]
fn a_row_that_is_wrong_is_named_by_the_line_an_editor_shows() {
    for (table, wanted) in [
        (
            "text,label\na,0\nb,spam\nc\n",
            &["row 4: has 1 field and the header 2"][..],
        ),
        (
            "text,label\na,0\nb,spam\n",
            &["row 3, label = \"spam\": must be the number of a class"],
        ),
        (
            "label,text\n0,\"a\nb\nc\"\n\n1,not bad, not bad\n",
            &["row 6: has 3 fields and the header 2; put texts that hold a comma in quotes"],
        ),
        ("label,text\r\n0,a\r\n1,b,c\r\n", &["row 3: has 3 fields"]),
        (
            "label,text\n0,\"a\nb,c\n",
            &["row 2: a quote is opened here and never closed"],
        ),
        (
            "label,text\n0,\"a\"b\n",
            &["row 2: a quote is closed before the end"],
        ),
        (
            "label,text\n1,\n",
            &["row 2, text = \"\": must hold a text"],
        ),
        (
            "text\tlabel\na\tb\t0\n",
            &["row 2: has 3 fields and the header 2; no text can hold a tab"],
        ),
        (
            "label,text,text\n0,a,b\n",
            &["its header names the column `text` 2 times"],
        ),
        (
            "text,label\n1.0,1.0\n",
            &["row 2, label = \"1.0\": must be the number"],
        ),
        (
            "text,label\na,-1\n",
            &["row 2, label = \"-1\": must be the number"],
        ),
        ("", &["is empty"]),
        ("\u{feff}", &["is empty"]),
        ("text,label\n", &["holds no rows"]),
        (
            "text,class\na,0\n",
            &["its header names no column `label`; it names text, class"],
        ),
        (
            "text;label\na;0\n",
            &[
                "its header names no column `label`",
                "its header names no column `text`",
            ],
        ),
    ] {
        let found = said(classified(table, None).unwrap_err());
        assert_eq!(found.len(), wanted.len(), "{table:?}: {found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{table:?}: {found}");
        }
    }
    for (table, wanted) in [
        (
            "sentence1,sentence2,score\na,b,much\n",
            "row 2, score = \"much\": must be a number",
        ),
        (
            "sentence1,sentence2,score\na,b,inf\n",
            "row 2, score = \"inf\": must be a number",
        ),
        (
            "sentence1,sentence2,score\na,b,NaN\n",
            "row 2, score = \"NaN\": must be a number",
        ),
        (
            "score,sentence1,sentence2\n3,w1,\n",
            "row 2, sentence2 = \"\": must hold a sentence",
        ),
        ("a\tb\tc\td\tNaN\tf\tg\n", "row 1, score = \"NaN\": must be"),
        (
            "a\tb\tc\td\t7\tf\tg\n",
            "row 1, score = \"7\": must be from 0 to 5",
        ),
        // STS-B of GLUE without its header: a number and the names of the sources stand where the
        // published table has score and sentences.
        (
            "0\tnews\tx\t2012\t3\tp\tq\ta\tb\t2.5\n1\tnews\tx\t2012\t4\tp\tq\ta\tb\t2.5\n",
            "row 1: has 10 fields (1 rows more do not fit); a table without a header is taken for STS-B",
        ),
        // Without scores it is no set.
        (
            "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n",
            "its header names no column `score`",
        ),
    ] {
        let found = said(pairs(table).unwrap_err());
        assert!(found[0].contains(wanted), "{table:?}: {found:?}");
    }
}
