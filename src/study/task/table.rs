//! Tables of text: rows of fields with the line that an editor shows, and columns by name.
//!
//! Fields stand between commas, in quotes where they hold a comma, a quote (doubled) or a line end (RFC 4180);
//! or between tabs, where a quote is a letter like any other, as the sets that come so have them unbalanced.

use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// What stands between the fields of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Tab,
}

impl Separator {
    const fn letter(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Tab => '\t',
        }
    }
}

/// A row and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub line: usize,
    pub fields: Vec<String>,
}

/// Mistakes that are told; a table that is wrong throughout is told so once.
pub(super) const MOST_TOLD: usize = 8;

/// The rows of a table; lines that are empty are none.
pub(super) fn rows(text: &str, separator: Separator) -> Result<Vec<Row>, Mistakes> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match separator {
        Separator::Tab => Ok((1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(line, text)| Row {
                line,
                fields: text.split('\t').map(str::to_owned).collect(),
            })
            .collect()),
        Separator::Comma => quoted(text),
    }
}

fn quoted(text: &str) -> Result<Vec<Row>, Mistakes> {
    let wrong = |line: usize, problem: &str, fix: &str| {
        let mut mistakes = Mistakes::none();
        mistakes.add(&format!("row {line}"), "", problem, fix);
        Err(mistakes)
    };
    let (mut rows, mut line) = (Vec::new(), 1);
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Row {
            line,
            fields: Vec::new(),
        };
        loop {
            let mut field = String::new();
            if let Some(inner) = rest.strip_prefix('"') {
                let opened = line;
                rest = inner;
                loop {
                    let Some(end) = rest.find('"') else {
                        return wrong(
                            opened,
                            "a quote is opened here and never closed",
                            "close it, or double a quote that belongs to a text and put the text in quotes",
                        );
                    };
                    field.push_str(&rest[..end]);
                    rest = &rest[end + 1..];
                    match rest.strip_prefix('"') {
                        Some(after) => {
                            field.push('"');
                            rest = after;
                        }
                        None => break,
                    }
                }
                line += field.matches('\n').count();
                if !(rest.is_empty() || rest.starts_with([',', '\n', '\r'])) {
                    return wrong(
                        line,
                        "a quote is closed before the end of its field",
                        "double a quote that belongs to a text and put the whole text in quotes",
                    );
                }
            } else {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let whole = &rest[..end];
                field.push_str(whole.strip_suffix('\r').unwrap_or(whole));
                rest = &rest[end..];
            }
            row.fields.push(field);
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('\r').unwrap_or(rest);
            if let Some(after) = rest.strip_prefix('\n') {
                rest = after;
                line += 1;
            }
            break;
        }
        if row.fields.len() > 1 || !row.fields[0].trim().is_empty() {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// What is wrong with a row of another width, and what to do.
pub(super) fn misfit(separator: Separator, row: &Row, wanted: &str) -> (String, String) {
    let count = row.fields.len();
    let plural = if count == 1 { "" } else { "s" };
    (
        format!("has {count} field{plural} and {wanted}"),
        match separator {
            Separator::Comma => {
                "put texts that hold a comma in quotes, and give every row each column".to_owned()
            }
            Separator::Tab => {
                "no text can hold a tab or a line end here; give every row each column".to_owned()
            }
        },
    )
}

/// The columns of a table that are asked for, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns<const N: usize> {
    /// The line of each row, and its fields in the order asked for.
    pub rows: Vec<(usize, [String; N])>,
    /// What a reader should know.
    pub notices: Notices,
}

/// Whether the first line names these columns, and what separates them.
fn header<const N: usize>(text: &str, names: [&str; N]) -> Option<Separator> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    [Separator::Tab, Separator::Comma].into_iter().find(|one| {
        let named: Vec<&str> = first.split(one.letter()).map(bare).collect();
        names.iter().all(|name| named.contains(name))
    })
}

fn bare(name: &str) -> &str {
    let name = name.trim();
    let inner = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    inner.unwrap_or(name)
}

/// Reads the columns of these names of a table with a header, in any order and with either separator.
///
/// # Errors
/// A header that lacks one or holds it twice; rows of another width than the header, by the line that an
/// editor shows.
pub(super) fn columns<const N: usize>(
    text: &str,
    names: [&str; N],
) -> Result<Columns<N>, Mistakes> {
    let mut mistakes = Mistakes::none();
    let wanted = format!(
        "the first line names the columns, between commas or tabs: {}",
        names.join(",")
    );
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        mistakes.add("", "", "is empty", wanted);
        return Err(mistakes);
    }
    let separator = header(text, names).unwrap_or_else(|| {
        let first = text.lines().next().unwrap_or("");
        if first.contains('\t') && !first.contains(',') {
            Separator::Tab
        } else {
            Separator::Comma
        }
    });
    let mut rows = rows(text, separator)?.into_iter();
    let header: Vec<String> = rows
        .next()
        .map(|row| {
            row.fields
                .iter()
                .map(|name| bare(name).to_owned())
                .collect()
        })
        .unwrap_or_default();
    let places = names.map(|name| {
        let held = header.iter().filter(|column| *column == name).count();
        let problem = if held == 0 {
            let found = header.join(", ");
            let found: String = found.chars().take(120).collect();
            format!("its header names no column `{name}`; it names {found}")
        } else {
            format!("its header names the column `{name}` {held} times")
        };
        mistakes.require(held == 1, "", "", problem, &*wanted);
        header.iter().position(|column| column == name).unwrap_or(0)
    });
    if !mistakes.0.is_empty() {
        return Err(mistakes);
    }
    let mut found = Columns {
        rows: Vec::new(),
        notices: Notices::none(),
    };
    for mut row in rows {
        if row.fields.len() == header.len() {
            let fields = places.map(|at| std::mem::take(&mut row.fields[at]));
            found.rows.push((row.line, fields));
        } else if mistakes.0.len() < MOST_TOLD {
            let (problem, fix) = misfit(separator, &row, &format!("the header {}", header.len()));
            mistakes.add(&format!("row {}", row.line), "", problem, fix);
        }
    }
    let unused: Vec<String> = header
        .iter()
        .enumerate()
        .filter(|(at, _)| !places.contains(at))
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    if !unused.is_empty() {
        let (one, is) = if unused.len() == 1 {
            ("", "is")
        } else {
            ("s", "are")
        };
        let listed = unused.join(", ");
        found
            .notices
            .note(format!("column{one} {listed} {is} not used"));
    }
    tell_quotes(
        separator,
        found.rows.iter().flat_map(|(_, fields)| fields),
        &mut found.notices,
    );
    mistakes.or(|| found)
}

/// Fields whose quotes are letters and look as if they were not meant to be: between tabs, and behind a blank.
pub(super) fn tell_quotes<'f>(
    separator: Separator,
    fields: impl Iterator<Item = &'f String>,
    notices: &mut Notices,
) {
    let whole = |field: &&String| {
        let field = field.trim();
        field.len() > 1 && field.starts_with('"') && field.ends_with('"')
    };
    let blank = |field: &&String| field.starts_with(char::is_whitespace);
    let found = fields.filter(whole);
    let (count, why) = match separator {
        Separator::Tab => (
            found.count(),
            "stand in quotes, which are letters of the text in a table with tabs; in one with commas they are not",
        ),
        Separator::Comma => (
            found.filter(blank).count(),
            "stand in quotes behind a blank, which are letters of the text there; a quote that is none stands right behind the comma",
        ),
    };
    if count > 0 {
        notices.note(format!("{count} fields {why}"));
    }
}
