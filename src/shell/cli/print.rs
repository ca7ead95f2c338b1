//! The two streams. What is printed comes in part from files, so control characters are shown, not obeyed.

use std::io::{self, IsTerminal, Write};

use super::Failure;
use crate::base::notice::{Notices, is_obeyed};

/// A stream on which control characters stand as `\u{1b}`; line ends and tabs are left.
pub(super) struct Plain<W>(W);

/// Standard output.
pub(super) fn out() -> Plain<io::StdoutLock<'static>> {
    Plain(io::stdout().lock())
}

/// Standard error.
pub(super) fn err() -> Plain<io::StderrLock<'static>> {
    Plain(io::stderr().lock())
}

/// Whether somebody looks at standard error.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether a character is not printed as it is.
fn is_hidden(mark: char) -> bool {
    is_obeyed(mark) && !matches!(mark, '\n' | '\t')
}

impl<W: Write> Plain<W> {
    /// Writes one line: line ends of a name in it do not make a line that looks like another.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self, "{}", text.replace('\n', "\\n"))
    }
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        if text.chars().any(is_hidden) {
            let mut shown = String::with_capacity(text.len());
            for mark in text.chars() {
                if is_hidden(mark) {
                    shown.extend(mark.escape_unicode());
                } else {
                    shown.push(mark);
                }
            }
            self.0.write_all(shown.as_bytes())?;
        } else {
            self.0.write_all(text.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Notices go to the error stream, so that they never mix with a table.
pub(super) fn tell(notices: &Notices) {
    for (weight, text) in notices.iter() {
        line(&format!("{}: {text}", weight.name()));
    }
}

/// One line on the error stream.
fn line(text: &str) {
    let _ = err().line(text);
}

/// Says why a command did not end well: its exit code.
pub(super) fn blame(failure: &Failure) -> u8 {
    match failure {
        Failure::Asked(lines) => {
            for text in lines {
                line(text);
            }
            if lines.len() > 1 {
                line(&format!("{} mistakes; nothing was run", lines.len()));
            }
            2
        }
        Failure::System(text) => {
            line(text);
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        let mut plain = Plain(Vec::new());
        let strange = "\u{1b}[31m\u{7}\u{9b}\u{202e}\r";
        writeln!(plain, "a{strange}b\tµ").unwrap();
        let shown = String::from_utf8(plain.0).unwrap();
        assert_eq!(shown, "a\\u{1b}[31m\\u{7}\\u{9b}\\u{202e}\\u{d}b\tµ\n");
    }
}
