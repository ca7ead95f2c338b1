//! Sentences and texts with what people say of them, out of tables of text.

use crate::base::mistake::Mistakes;

/// Pairs of sentences and how alike people found them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentences {
    /// The pairs.
    pub pairs: Vec<(String, String)>,
    /// One score a pair.
    pub scores: Vec<f64>,
}

/// Texts and their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelled {
    /// Texts.
    pub texts: Vec<String>,
    /// One class a text.
    pub labels: Vec<usize>,
}

/// Rows whose mistakes are told; a table that is wrong throughout is told once.
const MOST_TOLD: usize = 8;
/// What is wrong with a row that lacks a field.
const ENDS: &str = "the row ends before this column";
/// Largest number of a class.
const MOST_CLASSES: usize = 65_536;

/// Pairs of sentences: tab-separated lines as STS-B has them (genre, file, year, number, score, first,
/// second), or a `.csv` whose header names `score`, `sentence1` and `sentence2`.
///
/// # Errors
/// The number of each row that lacks a field or whose score is no number; a table without rows.
pub fn pairs(text: &str) -> Result<Sentences, Mistakes> {
    let mut mistakes = Mistakes::none();
    let mut found = Sentences::default();
    let names = ["score", "sentence1", "sentence2"];
    let mut take = |row: usize, fields: Result<[&str; 3], &str>| {
        let [score, one, other] = match fields {
            Ok(fields) => fields.map(str::trim),
            Err(column) => return tell(&mut mistakes, row, column, "", ENDS),
        };
        let mut texts = names[1..].iter().zip([one, other]);
        if let Some((name, _)) = texts.find(|(_, text)| text.is_empty()) {
            return tell(&mut mistakes, row, name, "", "must hold a sentence");
        }
        match score.parse::<f64>() {
            Ok(score) if score.is_finite() => {
                found.scores.push(score);
                found.pairs.push((one.to_owned(), other.to_owned()));
            }
            _ => tell(&mut mistakes, row, "score", score, "must be a number"),
        }
    };
    let first = text.lines().next().unwrap_or("");
    if first.split('\t').count() >= 7 {
        for (row, line) in (1..).zip(text.lines()) {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                [_, _, _, _, score, a, b, ..] => take(row, Ok([score, a, b])),
                _ if line.trim().is_empty() => {}
                _ => take(row, Err(names[fields.len().saturating_sub(4).min(2)])),
            }
        }
    } else {
        table(text, names, &mut take).map_err(|mut wrong| {
            wrong.0.truncate(MOST_TOLD);
            wrong
        })?;
    }
    finish(mistakes, found.pairs.is_empty(), found)
}

/// Texts with their classes: a `.csv` whose header names `text` and `label`. Labels are below `classes`, if that is
/// known.
///
/// # Errors
/// The number of each row that lacks a field or whose label is no number of a class; a table
/// without rows.
pub fn classified(text: &str, classes: Option<usize>) -> Result<Labelled, Mistakes> {
    let classes = classes.unwrap_or(MOST_CLASSES);
    let mut mistakes = Mistakes::none();
    let mut found = Labelled::default();
    table(text, ["label", "text"], &mut |row,
                                         fields: Result<
        [&str; 2],
        &str,
    >| {
        let [label, text] = match fields {
            Ok(fields) => fields,
            Err(column) => return tell(&mut mistakes, row, column, "", ENDS),
        };
        if text.trim().is_empty() {
            return tell(&mut mistakes, row, "text", text, "must hold a text");
        }
        match label.trim().parse::<usize>() {
            Ok(class) if class < classes => {
                found.labels.push(class);
                found.texts.push(text.to_owned());
            }
            _ => tell(
                &mut mistakes,
                row,
                "label",
                label,
                &format!(
                    "must be the number of a class, from 0 to {}",
                    classes.saturating_sub(1)
                ),
            ),
        }
    })?;
    finish(mistakes, found.texts.is_empty(), found)
}

fn tell(mistakes: &mut Mistakes, row: usize, column: &str, held: &str, problem: &str) {
    if mistakes.0.len() < MOST_TOLD {
        let short: String = held.chars().take(40).collect();
        mistakes.add(
            &format!("row {row}, {column}"),
            format!("\"{short}\""),
            problem,
            "mend that row",
        );
    }
}

fn finish<T>(mut mistakes: Mistakes, empty: bool, found: T) -> Result<T, Mistakes> {
    if mistakes.0.is_empty() && empty {
        mistakes.add(
            "",
            "",
            "holds no rows",
            "check that it is the file that is meant",
        );
    }
    mistakes.or(|| found)
}

/// What is done with a row's number and its fields, or the column that it lacks.
type Take<'t, const N: usize> = dyn FnMut(usize, Result<[&str; N], &str>) + 't;

/// Walks a `.csv` with a header; rows count as lines of a table do, the header being the first. A row that lacks a
/// field comes with the name of its column.
fn table<const N: usize>(
    text: &str,
    names: [&str; N],
    take: &mut Take<'_, N>,
) -> Result<(), Mistakes> {
    let mut mistakes = Mistakes::none();
    if text.trim().is_empty() {
        mistakes.add(
            "",
            "",
            "is empty",
            format!("the first line names the columns: {}", names.join(",")),
        );
        return Err(mistakes);
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let places = names.map(|name| header.iter().position(|column| column.trim() == name));
    for (name, place) in names.iter().zip(places) {
        mistakes.require(
            place.is_some(),
            "",
            "",
            format!("its header names no column `{name}`"),
            format!("the first line names the columns: {}", names.join(",")),
        );
    }
    if !mistakes.0.is_empty() {
        return Err(mistakes);
    }
    for (row, record) in (2..).zip(reader.records()) {
        match record {
            Ok(record) => {
                let fields = places.map(|place| place.and_then(|at| record.get(at)));
                let lacking = names.iter().zip(fields).find(|(_, field)| field.is_none());
                take(
                    row,
                    match lacking {
                        Some((name, _)) => Err(name),
                        None => Ok(fields.map(Option::unwrap_or_default)),
                    },
                );
            }
            Err(error) => {
                mistakes.add(
                    &format!("row {row}"),
                    "",
                    error.to_string(),
                    "mend that row",
                );
                return Err(mistakes);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_give_the_same_pairs() {
        let tabs =
            "news\tx\t2012\t7\t3.5\tOne, two.\tThree \"four\".\textra\nnews\tx\t2012\t8\t0\ta\tb\n";
        let commas =
            "id,sentence1,sentence2,score\n1,\"One, two.\",\"Three \"\"four\"\".\",3.5\n2,a,b,0\n";
        let found = pairs(tabs).unwrap();
        assert_eq!(found.scores, [3.5, 0.0]);
        assert_eq!(found.pairs[0].1, "Three \"four\".");
        assert_eq!(found, pairs(commas).unwrap());
    }

    #[test]
    fn a_row_that_is_wrong_is_named_by_its_number() {
        let said =
            |found: Mistakes| -> Vec<String> { found.0.iter().map(ToString::to_string).collect() };
        let wrong = said(classified("text,label\na,0\nb,spam\nc\n", None).unwrap_err());
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].starts_with("row 3, label = \"spam\": must be the number of a class"));
        assert!(wrong[1].starts_with("row 4, label = \"\""), "{wrong:?}");
        let wrong = said(pairs("sentence1,sentence2,score\na,b,much\n").unwrap_err());
        assert!(wrong[0].starts_with("row 2, score = \"much\": must be a number"));
        let wrong = said(pairs("a\tb\tc\td\tNaN\tf\tg\n1\t2\n").unwrap_err());
        assert!(wrong[0].starts_with("row 1, score") && wrong[1].starts_with("row 2, score"));
        // What stands behind the end of a row is not an empty text.
        let wrong = said(classified("label,text\n0\n1,\n0,a\n", None).unwrap_err());
        assert!(wrong[0].starts_with("row 2, text = \"\": the row ends before"));
        assert!(wrong[1].starts_with("row 3, text = \"\": must hold a text"));
        let wrong = said(pairs("score,sentence1,sentence2\n3,w1\n3,w1,\n").unwrap_err());
        assert!(wrong[0].starts_with("row 2, sentence2 = \"\": the row ends before"));
        assert!(wrong[1].starts_with("row 3, sentence2 = \"\": must hold a sentence"));
        for (text, words) in [
            ("", "is empty"),
            ("text,label\n", "holds no rows"),
            ("text,class\na,0\n", "its header names no column `label`"),
        ] {
            assert!(
                said(classified(text, None).unwrap_err())[0].contains(words),
                "{text}"
            );
        }
    }
}
