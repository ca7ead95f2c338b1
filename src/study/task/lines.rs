//! Sentences and texts with what people say of them, out of tables of text.

use super::table::{MOST_TOLD, Separator, columns, rows, tell_quotes};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// Pairs of sentences and how alike people found them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentences {
    /// The pairs.
    pub pairs: Vec<(String, String)>,
    /// One score a pair.
    pub scores: Vec<f64>,
    /// The line of each in its file.
    pub lines: Vec<usize>,
    /// What a reader should know of the table.
    pub notices: Notices,
}

/// Texts and their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelled {
    /// Texts.
    pub texts: Vec<String>,
    /// One class a text.
    pub labels: Vec<usize>,
    /// The line of each in its file.
    pub lines: Vec<usize>,
    /// What a reader should know of the table.
    pub notices: Notices,
}

/// Largest number of a class.
const MOST_CLASSES: usize = 65_536;
/// Columns of pairs.
const PAIR: [&str; 3] = ["score", "sentence1", "sentence2"];
/// Columns of STS-B as it was published, without a header; some rows have two more that name sources.
const WIDTHS: [usize; 2] = [7, 9];
/// How alike two sentences of STS-B may be.
const LIKENESS: std::ops::RangeInclusive<f64> = 0.0..=5.0;

/// Pairs of sentences: a table whose header names `score`, `sentence1` and `sentence2`, between commas or
/// tabs; or tab-separated lines without a header as STS-B was published (genre, file, year, number, score,
/// first, second, perhaps two sources).
///
/// # Errors
/// The line of each row that has another width or whose score is no number; a table without rows.
pub fn pairs(text: &str) -> Result<Sentences, Mistakes> {
    let first = text.lines().next().unwrap_or("");
    let names = |name: &str| PAIR.contains(&name.trim().trim_start_matches('\u{feff}'));
    let bare = first.split('\t').count() >= WIDTHS[0] && !first.split('\t').any(names);
    let mut mistakes = Mistakes::none();
    let mut found = Sentences::default();
    let rows = if bare {
        let rows = published(text, &mut mistakes)?;
        let fields = rows.iter().flat_map(|(_, fields)| fields);
        tell_quotes(Separator::Tab, fields, &mut found.notices);
        rows
    } else {
        let table = columns(text, PAIR)?;
        found.notices = table.notices;
        table.rows
    };
    for (row, [score, one, other]) in rows {
        let [one, other] = [one.trim(), other.trim()];
        let mut texts = PAIR[1..].iter().zip([one, other]);
        if let Some((name, _)) = texts.find(|(_, text)| text.is_empty()) {
            tell(&mut mistakes, row, name, "", "must hold a sentence");
            continue;
        }
        let score = score.trim();
        match score.parse::<f64>() {
            Ok(number) if bare && !LIKENESS.contains(&number) => {
                let problem = "must be from 0 to 5 in a table without a header, which is taken for STS-B's own";
                tell(&mut mistakes, row, "score", score, problem);
            }
            Ok(number) if number.is_finite() => {
                found.scores.push(number);
                found.pairs.push((one.to_owned(), other.to_owned()));
                found.lines.push(row);
            }
            _ if bare && row == 1 => tell(
                &mut mistakes,
                row,
                "score",
                score,
                "must be a number; if this line names the columns, call them score, sentence1 and sentence2",
            ),
            _ => tell(&mut mistakes, row, "score", score, "must be a number"),
        }
    }
    finish(mistakes, found.pairs.is_empty(), found)
}

/// Score and sentences of STS-B as it was published. A table of another width is told once.
fn published(text: &str, mistakes: &mut Mistakes) -> Result<Vec<(usize, [String; 3])>, Mistakes> {
    let mut found = Vec::new();
    let mut misfits = Vec::new();
    for row in rows(text, Separator::Tab)? {
        if WIDTHS.contains(&row.fields.len()) {
            let [score, one, other] = [4, 5, 6].map(|at| row.fields[at].clone());
            found.push((row.line, [score, one, other]));
        } else {
            misfits.push(row);
        }
    }
    if let Some(row) = misfits.first() {
        let others = match misfits.len() - 1 {
            0 => String::new(),
            more => format!(" ({more} rows more do not fit)"),
        };
        let problem = format!(
            "has {} fields{others}; a table without a header is taken for STS-B as it was published, which has 7 or 9",
            row.fields.len()
        );
        let fix = format!(
            "name the columns in a first line, {} among them",
            PAIR.join(", ")
        );
        mistakes.add(&format!("row {}", row.line), "", problem, fix);
    }
    Ok(found)
}

/// Texts with their classes: a table whose header names `text` and `label`, between commas or tabs. Labels are below
/// `classes`, if that is known.
///
/// # Errors
/// The line of each row that has another width or whose label is no number of a class; a table
/// without rows.
pub fn classified(text: &str, classes: Option<usize>) -> Result<Labelled, Mistakes> {
    let classes = classes.unwrap_or(MOST_CLASSES);
    let mut mistakes = Mistakes::none();
    let table = columns(text, ["label", "text"])?;
    let mut found = Labelled {
        notices: table.notices,
        ..Labelled::default()
    };
    for (row, [label, text]) in table.rows {
        if text.trim().is_empty() {
            tell(&mut mistakes, row, "text", &text, "must hold a text");
            continue;
        }
        match label.trim().parse::<usize>() {
            Ok(class) if class < classes => {
                found.labels.push(class);
                found.texts.push(text);
                found.lines.push(row);
            }
            _ => tell(
                &mut mistakes,
                row,
                "label",
                &label,
                &format!(
                    "must be the number of a class, from 0 to {}",
                    classes.saturating_sub(1)
                ),
            ),
        }
    }
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

#[cfg(test)]
mod tests;
