//! Text for a terminal: broken lines and numbered notes.

use std::fmt::Write;

/// Widest line, in columns.
pub(super) const WIDTH: usize = 120;

/// Number of a note, from 1; the same text has the same number.
pub(super) fn number<'a>(notes: &mut Vec<&'a str>, note: &'a str) -> usize {
    match notes.iter().position(|known| *known == note) {
        Some(index) => index + 1,
        None => {
            notes.push(note);
            notes.len()
        }
    }
}

/// Words after `lead`, broken before the last column, further lines under the first word.
pub(super) fn wrap(text: &mut String, lead: &str, words: &str) {
    let indent = " ".repeat(lead.chars().count());
    let mut line = lead.to_owned();
    let mut used = indent.len();
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if used > indent.len() && used + 1 + length > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clone_from(&indent);
            used = indent.len();
        }
        if used > indent.len() {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Appends formatted text.
pub(super) fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(line);
}
